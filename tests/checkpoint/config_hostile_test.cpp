// SPDX-License-Identifier: Apache-2.0
// config.json: malformed ones, ones that do not fit the weights, and models that are not run.
#include "checkpoint/support/checkpoint_files.hpp"
#include "support/catch.hpp"
#include "switchyard/checkpoint/checkpoint.hpp"

using namespace switchyard;
using namespace switchyard::checkpoint;
using namespace switchyard::test;

namespace {

/// Replaces a member of config.json and tries to open the model.
struct Edit {
  std::string model;
  std::string from;
  std::string to;
  ErrorCode code;
  std::vector<std::string> words;
};

constexpr auto kMalformed = ErrorCode::malformed_file;
constexpr auto kUnsupported = ErrorCode::unsupported_model;

std::vector<Edit> edits() {
  return {
      // Missing and mistyped.
      {"olmoe", "\"model_type\": \"olmoe\"", "\"x\": 1", kMalformed, {"model_type is missing"}},
      {"olmoe", "\"olmoe\"", "7", kMalformed, {"model_type is 7", "a string"}},
      {"olmoe", "\"hidden_size\"", "\"x\"", kMalformed, {"hidden_size is missing"}},
      {"olmoe", "\"num_experts\"", "\"x\"", kMalformed, {"num_experts is missing"}},
      {"olmoe", "\"intermediate_size\"", "\"x\"", kMalformed, {"intermediate_size is missing"}},
      {"olmoe", "\"num_hidden_layers\"", "\"x\"", kMalformed, {"num_hidden_layers is missing"}},
      {"olmoe",
       "\"hidden_size\": 64",
       "\"hidden_size\": \"64\"",
       kMalformed,
       {"hidden_size is \"64\"", "an integer"}},
      {"olmoe", "\"hidden_size\": 64", "\"hidden_size\": 64.0", kMalformed, {"64.0", "an integer"}},
      {"olmoe", "\"hidden_size\": 64", "\"hidden_size\": true", kMalformed, {"true"}},
      {"olmoe", "\"hidden_size\": 64", "\"hidden_size\": {}", kMalformed, {"{}"}},
      {"olmoe", "\"hidden_size\": 64", "\"hidden_size\": []", kMalformed, {"lists 0 layers"}},
      {"olmoe", "\"hidden_size\": 64", "\"hidden_size\": null", kMalformed, {"is missing"}},
      {"olmoe",
       "\"norm_topk_prob\": false",
       "\"norm_topk_prob\": 1",
       kMalformed,
       {"norm_topk_prob is 1", "true or false"}},
      {"olmoe", "\"hidden_act\": \"silu\"", "\"hidden_act\": 1", kMalformed, {"hidden_act is 1"}},
      {"glm4_moe",
       "\"routed_scaling_factor\": 1.7",
       "\"routed_scaling_factor\": \"a\"",
       kMalformed,
       {"routed_scaling_factor", "a number"}},
      {"glm4_moe",
       "\"routed_scaling_factor\": 1.7",
       "\"routed_scaling_factor\": 1e300",
       kMalformed,
       {"routed_scaling_factor", "a float holds"}},
      {"glm4_moe",
       "\"routed_scaling_factor\": 1.7",
       "\"routed_scaling_factor\": 1e999",
       kMalformed,
       {"not valid JSON"}},
      // Out of range.
      {"olmoe",
       "\"hidden_size\": 64",
       "\"hidden_size\": 0",
       kMalformed,
       {"hidden_size is 0", "[1,"}},
      {"olmoe", "\"hidden_size\": 64", "\"hidden_size\": -64", kMalformed, {"hidden_size is -64"}},
      {"olmoe",
       "\"hidden_size\": 64",
       "\"hidden_size\": 18446744073709551615",
       kMalformed,
       {"18446744073709551615"}},
      {"olmoe",
       "\"hidden_size\": 64",
       "\"hidden_size\": 9223372036854775807",
       kUnsupported,
       {"9223372036854775807", "at most 1048576"}},
      {"olmoe",
       "\"num_experts\": 12",
       "\"num_experts\": 4097",
       kUnsupported,
       {"num_experts is 4097", "at most 4096"}},
      {"olmoe",
       "\"num_experts_per_tok\": 3",
       "\"num_experts_per_tok\": 13",
       kMalformed,
       {"num_experts_per_tok is 13", "num_experts = 12"}},
      {"olmoe",
       "\"num_experts_per_tok\": 3",
       "\"num_experts_per_tok\": 0",
       kMalformed,
       {"num_experts_per_tok is 0"}},
      {"olmoe",
       "\"num_experts_per_tok\": 3",
       "\"num_experts_per_tok\": 65",
       kUnsupported,
       {"num_experts_per_tok is 65", "at most 64"}},
      {"olmoe",
       "\"num_hidden_layers\": 2",
       "\"num_hidden_layers\": 0",
       kMalformed,
       {"num_hidden_layers is 0"}},
      {"olmoe",
       "\"num_hidden_layers\": 2",
       "\"num_hidden_layers\": 1000000000000",
       kMalformed,
       {"num_hidden_layers is 1000000000000"}},
      {"glm4_moe", "\"n_group\": 4", "\"n_group\": 3", kMalformed, {"n_group is 3", "16 experts"}},
      {"glm4_moe", "\"n_group\": 4", "\"n_group\": 17", kMalformed, {"n_group is 17"}},
      {"glm4_moe", "\"n_group\": 4", "\"n_group\": -1", kMalformed, {"n_group is -1"}},
      {"glm4_moe", "\"topk_group\": 2", "\"topk_group\": 5", kMalformed, {"topk_group is 5"}},
      {"glm4_moe",
       "\"first_k_dense_replace\": 1",
       "\"first_k_dense_replace\": -1",
       kMalformed,
       {"first_k_dense_replace is -1"}},
      {"glm4_moe",
       "\"first_k_dense_replace\": 1",
       "\"first_k_dense_replace\": 2",
       kUnsupported,
       {"none of the 2 layers"}},
      {"glm4_moe",
       "\"n_shared_experts\": 1",
       "\"n_shared_experts\": 1000000000000",
       kMalformed,
       {"n_shared_experts is 1000000000000"}},
      {"qwen3_moe",
       "\"decoder_sparse_step\": 1",
       "\"decoder_sparse_step\": 0",
       kMalformed,
       {"decoder_sparse_step is 0"}},
      {"qwen3_moe",
       "\"mlp_only_layers\": []",
       "\"mlp_only_layers\": [2]",
       kMalformed,
       {"mlp_only_layers lists 2", "[0, 2)"}},
      {"qwen3_moe",
       "\"mlp_only_layers\": []",
       "\"mlp_only_layers\": [\"0\"]",
       kMalformed,
       {"mlp_only_layers lists"}},
      {"qwen3_moe",
       "\"mlp_only_layers\": []",
       "\"mlp_only_layers\": 1",
       kMalformed,
       {"mlp_only_layers is 1", "a list"}},
      {"nemotron_h",
       "\"layers_block_type\": [",
       R"("layers_block_type": ["mlp"], "x": [)",
       kUnsupported,
       {"none of the 1 layers"}},
      {"qwen3_vl_moe",
       "\"text_config\": {",
       "\"text_config\": 1, \"other\": {",
       kMalformed,
       {"text_config is 1", "an object"}},
      // Models that are not run.
      {"olmoe",
       "\"num_experts\": 12",
       "\"num_experts\": 0",
       kUnsupported,
       {"the model has no experts"}},
      {"olmoe",
       "\"olmoe\"",
       "\"nllb-moe\"",
       kUnsupported,
       {"model_type \"nllb-moe\"", "it knows afmoe, ", ", mixtral, "}},
      {"olmoe", "\"olmoe\"", "\"a\\nb\"", kUnsupported, {"a\\x0ab"}},
      {"olmoe",
       "\"hidden_act\": \"silu\"",
       "\"hidden_act\": \"mish\"",
       kUnsupported,
       {"hidden_act is \"mish\"", "with a gate"}},
      {"olmoe",
       "\"hidden_act\": \"silu\"",
       "\"hidden_act\": \"relu2\"",
       kUnsupported,
       {"hidden_act is \"relu2\"", "with a gate"}},
      {"nemotron_h",
       "\"mlp_hidden_act\": \"relu2\"",
       "\"mlp_hidden_act\": \"silu\"",
       kUnsupported,
       {"mlp_hidden_act is \"silu\"", "without a gate"}},
      {"nemotron_h",
       "\"moe_latent_size\": null",
       "\"moe_latent_size\": 16",
       kUnsupported,
       {"moe_latent_size is \"16\""}},
      {"ernie4_5_moe",
       "\"use_bias\": false",
       "\"use_bias\": true",
       kUnsupported,
       {"use_bias is \"true\""}},
      {"deepseek_v3",
       "{",
       R"({"scoring_func": "softmax",)",
       kUnsupported,
       {"scoring_func is \"softmax\"", "sigmoid"}},
      {"olmoe",
       "{",
       R"({"quantization_config": {"quant_method": "fp8"},)",
       kUnsupported,
       {"quantised", "fp8"}},
      {"olmoe", "{", R"({"quantization_config": {},)", kUnsupported, {"quantised"}},
      {"qwen3_vl_moe",
       "\"text_config\": {",
       R"("text_config": {"quantization_config": {"quant_method": "awq"},)",
       kUnsupported,
       {"quantised", "awq"}},
      {"qwen3_vl_moe",
       "{",
       R"({"quantization_config": {"quant_method": "mxfp4"},)",
       kUnsupported,
       {"quantised", "mxfp4"}},
  };
}

}  // namespace

TEST_CASE("config.json: a bad member is named with its value and bound") {
  const auto cases = edits();
  REQUIRE(cases.size() >= 50);
  for (const Edit& edit : cases) {
    INFO(edit.model << ": " << edit.to);
    const ModelCopy model(edit.model);
    model.edit_config(edit.from, edit.to);
    std::vector<std::string> words = edit.words;
    words.emplace_back("config.json");
    check_error(edit.code, words, [&] { (void)Model::open(model.path()); });
    CHECK(Model::open(golden_model(edit.model)).load_layer(1).config().hidden_size == 64);
  }
}

TEST_CASE("config.json: malformed as a whole") {
  const ModelCopy model("olmoe");
  const std::string good = read_text(model.path() / "config.json");
  const auto refused = [&](const std::string& text, const std::string& word) {
    INFO(text.substr(0, 60));
    model.write("config.json", text);
    check_error(kMalformed, {"config.json", word}, [&] { (void)Model::open(model.path()); });
    model.write("config.json", good);
    CHECK(Model::open(model.path()).num_layers() == 2);
  };
  refused("", "start with '{'");
  refused("[]", "start with '{'");
  refused("null", "start with '{'");
  refused(good + "{}", "not valid JSON");
  refused(good.substr(0, good.rfind(',')), "not valid JSON");
  refused(good.substr(0, good.rfind('"')), "no end");
  refused(std::string("{\"model_type\":\"olmoe\"}\0x", 24), "0x00");
  refused("{\"hidden_size\":64," + good.substr(1), "duplicate key \"hidden_size\"");
  refused("{\"hidden\\u005fsize\":64," + good.substr(1), "duplicate key \"hidden_size\"");
  refused("{\"a\":{\"b\":[{\"c\":1,\"c\":1}]}," + good.substr(1), "duplicate key \"c\"");
  refused("{\"a\":" + std::string(16, '[') + std::string(16, ']') + "," + good.substr(1),
          "deeper than 16");
  refused("{\"a\":" + std::string(1U << 20U, '['), "deeper than 16");
  refused("{\"a\":\"" + std::string((64U << 10U) + 1, 'x') + "\"}", "longer than 65536");
  refused("{\"a\":" + std::string(65, '1') + "}", "longer than 64");
  refused("{\"a\":\"\xff\"}", "not valid JSON");
  refused(good + std::string(4U << 20U, ' '), "at most 4194304");
}

TEST_CASE("config.json: NaN and Infinity, as Python writes them, do no harm") {
  const ModelCopy model("olmoe");
  model.add_to_config(R"("limits": [0.0, Infinity, -Infinity, NaN], "text": "NaN \" Infinity")");
  CHECK(Model::open(model.path()).num_layers() == 2);
  model.edit_config("\"hidden_size\": 64", "\"hidden_size\": NaN");
  check_error(kMalformed, {"hidden_size is missing"}, [&] { (void)Model::open(model.path()); });
}

TEST_CASE("config.json: sizes that contradict the weights are found before anything is allocated") {
  struct Size {
    std::string model;
    std::string from;
    std::string to;
    std::vector<std::string> words;
  };
  const std::vector<Size> sizes{
      {"olmoe",
       "\"hidden_size\": 64",
       "\"hidden_size\": 1048576",
       {"mlp.gate.weight", "[12, 1048576]"}},
      {"olmoe", "\"num_experts\": 12", "\"num_experts\": 13", {"mlp.gate.weight", "[12, 64]"}},
      {"olmoe", "\"num_experts\": 12", "\"num_experts\": 11", {"mlp.gate.weight", "[11, 64]"}},
      {"olmoe",
       "\"intermediate_size\": 40",
       "\"intermediate_size\": 1048576",
       {"mlp.experts.0.gate_proj.weight", "[40, 64]", "[1048576, 64]"}},
      {"glm4_moe",
       "\"n_shared_experts\": 1",
       "\"n_shared_experts\": 2",
       {"mlp.shared_experts.down_proj.weight", "[64, 80]"}},
      {"qwen3_vl_moe",
       "\"moe_intermediate_size\": 40",
       "\"moe_intermediate_size\": 41",
       {"mlp.experts.gate_up_proj", "[12, 80, 64]"}},
      {"gpt_oss",
       "\"intermediate_size\": 48",
       "\"intermediate_size\": 47",
       {"mlp.experts.gate_up_proj", "[16, 64, 96]", "[16, 64, 94]"}},
      {"llama4",
       "\"intermediate_size\": 48",
       "\"intermediate_size\": 32",
       {"shared_expert.down_proj.weight"}},
  };
  for (const Size& size : sizes) {
    INFO(size.model << ": " << size.to);
    const ModelCopy copy(size.model);
    copy.edit_config(size.from, size.to);
    const auto model = Model::open(copy.path());
    std::vector<std::string> words = size.words;
    words.emplace_back("by config.json");
    check_error(kMalformed, words, [&] { (void)model.load_layer(1); });
  }
}

TEST_CASE("a layer that does not exist or is dense is an error that names the others") {
  const ModelCopy copy("deepseek_v3");
  copy.edit_config("\"first_k_dense_replace\": 0", "\"first_k_dense_replace\": 1");
  const auto model = Model::open(copy.path());
  CHECK(model.moe_layers() == std::vector<std::int64_t>{1});
  CHECK(model.load_layer(1).config().num_experts == 32);
  const auto refused = [&](std::int64_t layer, const std::vector<std::string>& words) {
    check_error(ErrorCode::invalid_argument, words, [&] { (void)model.load_layer(layer); });
  };
  refused(0, {"layer is 0", "dense", "MoE block: 1"});
  refused(2, {"layer is 2", "[0, num_layers = 2)"});
  refused(-1, {"layer is -1"});
  refused(INT64_MAX, {"layer is 9223372036854775807"});
  refused(INT64_MIN, {"layer is -9223372036854775808"});
}
