// SPDX-License-Identifier: Apache-2.0
// Tables, histograms and lines.
#include <algorithm>
#include <string>
#include <vector>

#include "histogram.hpp"
#include "router_text.hpp"
#include "support/catch.hpp"
#include "text.hpp"

using namespace switchyard;
using namespace switchyard::tools;

TEST_CASE("a line is a line") {
  CHECK(one_line("a\nb\tc\x1b[0m") == "a b\\x09c\\x1b[0m");
  CHECK(one_line("Größe") == "Größe");
  CHECK(bytes_text(999) == "999 B");
  CHECK(bytes_text(45.1e9) == "45.1 GB");
}

TEST_CASE("tables") {
  TextTable table({"name", "n"});
  table.add_row({"a,b", "1"});
  table.add_row({"say \"x\""});
  CHECK(table.csv() == "name,n\n\"a,b\",1\n\"say \"\"x\"\"\",\n");
  CHECK(table.markdown() ==
        "|    name |   n |\n|--------:|----:|\n|     a,b |   1 |\n| say \"x\" |     |\n");
}

TEST_CASE("the load histogram has a line per expert or per group of them") {
  const std::string few = load_histogram(std::vector<std::int32_t>{4, 0, 8});
  CHECK(few.find("min 0, mean 4.0, max 8; 1 of 3 idle") != std::string::npos);
  CHECK(std::count(few.begin(), few.end(), '\n') == 4);
  CHECK(few.find("2 |" + std::string(40, '#') + "| 8") != std::string::npos);
  CHECK(few.find("0 |" + std::string(20, '#')) != std::string::npos);
  const std::string many = load_histogram(std::vector<std::int32_t>(100, 1));
  CHECK(std::count(many.begin(), many.end(), '\n') == 26);
  CHECK(many.find("96-99 |") != std::string::npos);
  CHECK(load_histogram({}).empty());
}

TEST_CASE("the router's recipe") {
  LayerConfig config;
  config.num_experts = 32;
  config.top_k = 6;
  config.router = routers::deepseek_v3(4, 2, true, 2.5F);
  HostMoeWeights weights;
  const std::byte one{};
  weights.correction_bias.bytes = {&one, 1};
  CHECK(router_text(config, weights) ==
        "sigmoid of 32 logits; the best 6 by score + correction bias in the best 2 of 4 groups; "
        "divided by (sum + 1e-20); * 2.5");
  config.router = routers::gpt_oss();
  weights = {};
  weights.router_bias.bytes = {&one, 1};
  CHECK(router_text(config, weights) ==
        "32 logits (with bias); the best 6; softmax over the selected");
  config.router = routers::llama4();
  config.shared_expert.intermediate_size = 8;
  CHECK(router_text(config, {}) ==
        "sigmoid of 32 logits; the best 6; applied to the expert's input; + shared expert");
}
