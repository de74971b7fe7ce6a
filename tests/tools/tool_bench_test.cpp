// SPDX-License-Identifier: Apache-2.0
// `switchyard bench` on a tiny layer.
#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "machine.hpp"
#include "support/catch.hpp"
#include "tools/support/io_files.hpp"
#include "tools/support/process.hpp"

using switchyard::test::ProcessResult;
using switchyard::test::run_tool;
using switchyard::test::TemporaryDirectory;

namespace {

ProcessResult bench(const std::vector<std::string>& more) {
  std::vector<std::string> arguments{"bench", "--hidden-size", "64",   "--intermediate-size",
                                     "32",    "--experts",     "8",    "--top-k",
                                     "2",     "--tokens",      "1,20", "--repeat",
                                     "3",     "--weight-sets", "2",    "--ceilings",
                                     "10,50"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  ProcessResult result = run_tool(arguments);
  INFO(result.err);
  REQUIRE(result.status == 0);
  CHECK(result.err.find("bench: ") == 0);  // progress
  return result;
}

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, separator);) {
    parts.push_back(part);
  }
  return parts;
}

}  // namespace

TEST_CASE("bench: JSON") {
  for (const std::string dtype : {"f32", "bf16", "f16"}) {
    const auto json = nlohmann::json::parse(bench({"--output", "json", "--dtype", dtype}).out);
    CHECK(json["dtype"] == dtype);
    CHECK(json["ceilings"]["gb_per_s"] == Approx(10.0));
    CHECK(json["ceilings"]["gflop_per_s"] == Approx(50.0));
    REQUIRE(json["results"].size() == 2);
    const auto& one = json["results"][0];
    CHECK(one["num_tokens"] == 1);
    CHECK(one["active_experts"] == 2);
    CHECK(one["weight_sets"] == 2);
    CHECK(one["layer_us"]["runs"] == 3);
    CHECK(one["verified_tokens"] == 1);
    CHECK(one["rel_error"].get<double>() <= one["rel_error_bound"].get<double>());
    CHECK(one["stage_us"]["down"]["median"].get<double>() > 0.0);
    // Two experts of three 64 x 32 matrices, states in and out, eight logits.
    const double element = dtype == "f32" ? 4.0 : 2.0;
    CHECK(one["bytes"] == Approx(2 * 3 * 64 * 32 * element + 2 * 64 * element + 8 * 4));
    CHECK(one["flop"] == Approx(2.0 * 2 * 3 * 64 * 32));
    const double floor =
        std::max(one["bytes"].get<double>() / 10e9, one["flop"].get<double>() / 50e9) * 1e6;
    CHECK(one["floor_us"] == Approx(floor));
    CHECK(one["bandwidth_percent"] == Approx(10.0 * one["gb_per_s"].get<double>()));
    CHECK(one["peak_percent"] == Approx(2.0 * one["gflop_per_s"].get<double>()));
    CHECK(json["weights"] == "copied");
    CHECK(!json["bodies"].get<std::string>().empty());
    CHECK(one["floor_percent"] == Approx(100.0 * floor / one["layer_us"]["median"].get<double>()));
    CHECK(json["results"][1]["verified_tokens"] == 4);
  }
}

TEST_CASE("bench: calls in a graph, with routing alone and the host's time") {
  for (const int layers : {0, 5}) {
    const auto json = nlohmann::json::parse(
        bench({"--output", "json", "--graph-layers", std::to_string(layers)}).out);
    for (const auto& cell : json["results"]) {
      CHECK(cell["graph_layers"] == layers);
      CHECK(cell["input_sets"] == (layers == 0 ? 1 : 4));
      CHECK(cell["path"] == "staged");
      CHECK(cell["launches"] == 5);
      for (const char* key : {"layer_us", "routing_us", "host_us"}) {
        INFO(key);
        CHECK(cell[key]["runs"] == 3);
        CHECK(cell[key]["median"].get<double>() > 0.0);
        CHECK(cell[key]["min"] <= cell[key]["median"]);
      }
      CHECK(cell["routing_us"]["min"] < cell["layer_us"]["max"]);
    }
  }
  const auto few = nlohmann::json::parse(bench({"--output", "json", "--graph-layers", "1"}).out);
  CHECK(few["results"][0]["graph_layers"] == 2);  // one per copy of the weights
}

TEST_CASE("bench: two results side by side") {
  const TemporaryDirectory directory;
  const std::string before = (directory.path() / "before.json").string();
  const std::string after = (directory.path() / "after.json").string();
  std::ofstream(before) << R"({"model": "m", "results": [
      {"num_tokens": 1, "layer_us": {"median": 20.0}, "stage_us": {"route": {"median": 4.0}}},
      {"num_tokens": 7, "layer_us": {"median": 1.0}}]})";
  std::ofstream(after) << R"({"model": "m", "results": [
      {"num_tokens": 1, "layer_us": {"median": 15.0}, "routing_us": {"median": 3.0},
       "stage_us": {"route_plan": {"median": 2.0}}},
      {"num_tokens": 9, "layer_us": {"median": 1.0}}]})";
  const ProcessResult both = run_tool({"bench", "--compare", before, after});
  REQUIRE(both.status == 0);
  CHECK(both.err.empty());
  std::string text;  // of the table, without padding
  for (const char c : both.out) {
    if (c != ' ') text += c;
  }
  CHECK(text.find("|1|layer|20.0|15.0|0.750|\n") != std::string::npos);
  CHECK(text.find("|1|routing|-|3.0|-|\n") != std::string::npos);
  CHECK(text.find("|1|stageroute_plan|-|2.0|-|\n") != std::string::npos);
  CHECK(text.find("|1|stageroute|4.0|-|-|\n") != std::string::npos);
  CHECK(text.find("|7|") == std::string::npos);
  CHECK(text.find("|9|") == std::string::npos);

  std::string measured = bench({"--output", "json"}).out;
  std::ofstream(before) << measured;
  const ProcessResult with_run = bench({"--compare", before});
  CHECK(with_run.out.find("custom: hidden 64") == 0);
  CHECK(with_run.out.find("after: this run: custom") != std::string::npos);
  CHECK(with_run.out.find("stage gate_up") != std::string::npos);
}

TEST_CASE("bench: what cannot be compared is refused in a line") {
  const TemporaryDirectory directory;
  const std::string good = (directory.path() / "good.json").string();
  std::ofstream(good) << R"({"results": []})";
  const std::string bad = (directory.path() / "bad.json").string();
  for (const char* content : {"", "{", "[]", "7", "{}", R"({"results": {}})", R"({"results": [3]})",
                              R"({"results": [{}]})", R"({"results": [{"num_tokens": "1"}]})"}) {
    INFO(content);
    std::ofstream(bad) << content;
    for (const auto& files : {std::vector{good, bad}, std::vector{bad, good}}) {
      const ProcessResult result = run_tool({"bench", "--compare", files[0], files[1]});
      CHECK(result.status == 2);
      CHECK(result.out.empty());
      CHECK(result.err.find("bad.json") != std::string::npos);
      CHECK(std::count(result.err.begin(), result.err.end(), '\n') == 1);
    }
  }
  CHECK(run_tool({"bench", "--compare", good, directory.path().string() + "/none"}).status == 2);
  CHECK(run_tool({"bench", "--compare", good, "--output", "csv"}).status == 2);
}

TEST_CASE("bench: borrowed weights") {
  const auto json = nlohmann::json::parse(
      bench({"--output", "json", "--weights", "borrowed", "--dtype", "bf16"}).out);
  CHECK(json["weights"] == "borrowed");
  CHECK(json["results"][0]["rel_error"].get<double>() <=
        json["results"][0]["rel_error_bound"].get<double>());
}

TEST_CASE("bench: CSV has a value for every column") {
  const std::string text = bench({"--output", "csv", "--logits", "zipf", "--route", "host"}).out;
  const std::vector<std::string> lines = split(text, '\n');
  REQUIRE(lines.size() == 3);
  const std::vector<std::string> header = split(lines[0], ',');
  for (std::size_t row = 1; row < 3; ++row) {
    const std::vector<std::string> cells = split(lines[row], ',');
    REQUIRE(cells.size() == header.size());
    for (std::size_t column = 0; column < cells.size(); ++column) {
      INFO(header[column]);
      CHECK_FALSE(cells[column].empty());
    }
    CHECK(cells[5] == "host");
    CHECK(cells[6] == "zipf");
  }
}

TEST_CASE("bench: a named model, cut to a small size, as Markdown") {
  for (const std::string model : {"qwen3-30b-a3b", "deepseek-v3", "gpt-oss-120b"}) {
    const ProcessResult result =
        run_tool({"bench", "--model", model, "--hidden-size", "64", "--intermediate-size", "32",
                  "--experts", "16", "--tokens", "9", "--repeat", "2", "--weight-sets", "1",
                  "--ceilings", "10,50", "--dtype", "f32"});
    INFO(result.err);
    REQUIRE(result.status == 0);
    CHECK(result.out.find(model + ": hidden 64") == 0);
    const std::vector<std::string> lines = split(result.out, '\n');
    REQUIRE(lines.size() == 7);
    CHECK(lines[4].find("| tokens |") == 0);
    const auto bars = std::count(lines[4].begin(), lines[4].end(), '|');
    CHECK(std::count(lines[5].begin(), lines[5].end(), '|') == bars);
    CHECK(std::count(lines[6].begin(), lines[6].end(), '|') == bars);
  }
}

TEST_CASE("bench: the machine's ceilings are measured") {
  CHECK(switchyard::tools::last_level_cache() > 0);
  CHECK(switchyard::tools::available_memory() > 0);
  CHECK(switchyard::tools::measure_peak_flops(1) > 1e8);
}
