// SPDX-License-Identifier: Apache-2.0
// `switchyard layer` on the golden layers.
#include <filesystem>
#include <fstream>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "support/catch.hpp"
#include "tools/support/io_files.hpp"
#include "tools/support/process.hpp"

using switchyard::test::EditableFile;
using switchyard::test::golden;
using switchyard::test::golden_names;
using switchyard::test::ProcessResult;
using switchyard::test::run_tool;
using switchyard::test::TemporaryDirectory;

namespace {

nlohmann::json json_of(const ProcessResult& result, int status = 0) {
  INFO(result.err);
  REQUIRE(result.status == status);
  CHECK(result.err.empty());
  return nlohmann::json::parse(result.out);
}

}  // namespace

TEST_CASE("layer: every golden layer is right at every compute type, on both paths") {
  const std::map<std::string, double> bounds{{"f32", 2e-6}, {"bf16", 8e-3}, {"f16", 2e-3}};
  REQUIRE(golden_names().size() >= 6);
  for (const std::string& name : golden_names()) {
    const auto io = EditableFile::open(golden(name) + "/moe_io.safetensors");
    for (const auto& [compute, bound] : bounds) {
      std::string digest;
      for (const std::string route : {"device", "host"}) {
        INFO(name << " " << compute << " " << route);
        const auto json = json_of(
            run_tool({"layer", golden(name), "--compute", compute, "--route", route, "--json"}));
        for (const char* key : {"ok", "backend", "route", "family", "layer", "num_tokens",
                                "hidden_size", "intermediate_size", "num_experts", "top_k",
                                "rel_error", "max_abs_error", "plan_digest", "stage_us", "compute",
                                "path", "router", "block_size", "expert_load"}) {
          INFO(key);
          CHECK(json.contains(key));
        }
        CHECK(json["ok"] == true);
        CHECK(json["backend"] == "cpu");
        CHECK(json["route"] == route);
        CHECK(json["compute"] == compute);
        CHECK(json["path"] == "staged");
        CHECK(json["description"].get<std::string>().find("path staged: ") != std::string::npos);
        CHECK(json["layer"] == std::stoi(io.metadata.at("layer")));
        CHECK(json["num_tokens"] == io.tensors.at("hidden_states").shape[0]);
        CHECK(json["hidden_size"] == io.tensors.at("hidden_states").shape[1]);
        CHECK(json["rel_error"].get<double>() <= bound);
        CHECK(json["max_abs_error"].get<double>() > 0.0);
        CHECK(json["router_ids_equal"] ==
              (name == "llama4" ? nlohmann::json(nullptr) : nlohmann::json(true)));
        CHECK(json["expert_load"].size() == json["num_experts"]);
        CHECK(json["stage_us"].contains("gate_up"));
        CHECK(json["plan_digest"].get<std::string>().size() == 18);
        if (digest.empty()) {
          digest = json["plan_digest"];
        }
        CHECK(json["plan_digest"] == digest);
      }
    }
  }
}

TEST_CASE("layer: the text names the shapes, the recipe, the load, the times and the error") {
  const ProcessResult result = run_tool({"layer", golden("deepseek_v3")});
  CHECK(result.status == 0);
  CHECK(result.err.empty());
  for (const char* part :
       {"27 tokens, hidden 64, intermediate 32, 32 experts, top 6", "sigmoid of 32 logits",
        "correction bias", "the best 2 of 4 groups", "expert load", "gate_up", "plan digest",
        "equal the recorded ones", "RIGHT: rel_error"}) {
    INFO(part);
    CHECK(result.out.find(part) != std::string::npos);
  }
}

TEST_CASE("layer: a wrong result exits with 1") {
  const TemporaryDirectory directory;
  const std::string io = (directory.path() / "io.safetensors").string();
  auto file = EditableFile::open(golden("mixtral") + "/moe_io.safetensors");
  file.set("expected.output", 7, file.get("expected.output", 7) + 0.01F);
  file.write(io);

  const auto json = json_of(run_tool({"layer", golden("mixtral"), "--io", io, "--json"}), 1);
  CHECK(json["ok"] == false);
  CHECK(json["rel_error"].get<double>() > 2e-6);
  CHECK(json["max_abs_error"].get<double>() == Approx(0.01).epsilon(1e-3));

  const ProcessResult text = run_tool({"layer", golden("mixtral"), "--io", io});
  CHECK(text.status == 1);
  CHECK(text.out.find("WRONG: rel_error") != std::string::npos);
}

TEST_CASE("layer: an output that is not finite exits with 1") {
  const TemporaryDirectory directory;
  const std::string io = (directory.path() / "io.safetensors").string();
  auto file = EditableFile::open(golden("mixtral") + "/moe_io.safetensors");
  for (std::size_t i = 0; i < 64; ++i) {
    file.set("hidden_states", i, 3e38F);
  }
  file.tensors.erase("expected.output");
  file.write(io);
  const auto json = json_of(run_tool({"layer", golden("mixtral"), "--io", io, "--json"}), 1);
  CHECK(json["ok"] == false);
  CHECK(json["finite"] == false);
  CHECK(json["rel_error"].is_null());
}

TEST_CASE("layer: other tokens and other layers") {
  SECTION("the first tokens of the io file") {
    const auto json = json_of(run_tool({"layer", golden("qwen3_moe"), "--tokens", "5", "--json"}));
    CHECK(json["num_tokens"] == 5);
    CHECK(json["rel_error"].get<double>() <= 2e-6);
  }
  SECTION("none of them") {
    const auto json = json_of(run_tool({"layer", golden("qwen3_moe"), "--tokens", "0", "--json"}));
    CHECK(json["num_tokens"] == 0);
    CHECK(json["ok"] == true);
    CHECK(json["rel_error"].is_null());
  }
  SECTION("a layer that was not recorded") {
    const auto json = json_of(run_tool({"layer", golden("qwen3_moe"), "--layer", "0", "--json"}));
    CHECK(json["layer"] == 0);
    CHECK(json["ok"] == true);
    CHECK(json["rel_error"].is_null());
    CHECK(json["note"].get<std::string>().find("layer 1") != std::string::npos);
  }
}

TEST_CASE("layer: what --out writes, --io compares with") {
  const TemporaryDirectory directory;
  const std::string out = (directory.path() / "out.safetensors").string();
  // A model directory without an io file: the states are random.
  const std::filesystem::path model = directory.path() / "model";
  std::filesystem::create_directory(model);
  for (const char* name : {"config.json", "model.safetensors"}) {
    std::filesystem::copy_file(golden("gpt_oss") + "/" + name, model / name);
  }
  const auto first =
      json_of(run_tool({"layer", model.string(), "--layer", "1", "--tokens", "9", "--seed", "4",
                        "--block-size", "32", "--out", out, "--json"}));
  CHECK(first["num_tokens"] == 9);
  CHECK(first["block_size"] == 32);
  CHECK(first["rel_error"].is_null());

  const auto file = EditableFile::open(out);
  CHECK(file.tensors.at("output").shape == std::vector<std::int64_t>{9, 64});
  CHECK(file.tensors.at("selected_ids").shape == std::vector<std::int64_t>{9, 4});
  CHECK(file.tensors.at("expert_offsets").shape == std::vector<std::int64_t>{17});
  CHECK(file.metadata.at("plan_digest") == first["plan_digest"].get<std::string>());

  const auto second = json_of(run_tool({"layer", model.string(), "--io", out, "--route", "host",
                                        "--block-size", "32", "--threads", "1", "--json"}));
  CHECK(second["layer"] == 1);
  CHECK(second["rel_error"] == 0.0);
  CHECK(second["plan_digest"] == first["plan_digest"]);
  CHECK(second["threads"] == 1);

  const auto other =
      json_of(run_tool({"layer", model.string(), "--tokens", "9", "--seed", "5", "--json"}));
  CHECK(other["plan_digest"] != first["plan_digest"]);
}
