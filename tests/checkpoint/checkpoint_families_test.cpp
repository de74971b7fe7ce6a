// SPDX-License-Identifier: Apache-2.0
// What the families' configurations become: shapes, recipes, and what an absent key means.
#include <algorithm>

#include "checkpoint/support/checkpoint_files.hpp"
#include "support/catch.hpp"
#include "switchyard/checkpoint/checkpoint.hpp"

using namespace switchyard;
using namespace switchyard::checkpoint;
using namespace switchyard::test;

namespace {

using Shape = std::array<std::int64_t, 3>;

LayerConfig config_of(const std::filesystem::path& path) {
  return Model::open(path).load_layer(1).config();
}

LayerConfig golden(const std::string& name) {
  return config_of(golden_model(name));
}

/// The configuration of a golden model whose config.json lacks `member`.
LayerConfig without(const std::string& name, const std::string& member) {
  const ModelCopy copy(name);
  copy.edit_config('"' + member + '"', "\"was_" + member + '"');
  return config_of(copy.path());
}

/// DeepSeek's recipe with another epsilon.
RouterConfig sigmoid_with_bias(float epsilon, float scaling_factor) {
  RouterConfig router = routers::deepseek_v3(1, 1, true, scaling_factor);
  router.epsilon = epsilon;
  return router;
}

void check_shape(const HostTensor& tensor, Shape shape, DType dtype = DType::bf16) {
  REQUIRE(tensor.present());
  CHECK(tensor.shape == shape);
  CHECK(tensor.dtype == dtype);
  CHECK(tensor.bytes.size() ==
        static_cast<std::size_t>(shape[0] * shape[1] * shape[2]) * size_of(dtype));
}

}  // namespace

TEST_CASE("golden layers: every tensor has the shape that its configuration says") {
  std::size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(SWITCHYARD_GOLDEN_DIR)) {
    if (!entry.is_directory()) {
      continue;
    }
    INFO(entry.path());
    ++count;
    const auto model = Model::open(entry.path());
    CHECK(model.num_layers() == 2);
    CHECK(model.family() == entry.path().filename().string());
    const auto block = model.load_layer(1);
    const LayerConfig& c = block.config();
    const HostMoeWeights& w = block.weights();
    CHECK_NOTHROW(validate(c));
    CHECK(c.weight_dtype == DType::bf16);
    CHECK(c.activation_dtype == DType::bf16);
    CHECK(c.num_local_experts == 0);
    const std::int64_t per_feature = c.activation.rows_per_feature();
    check_shape(w.gate_up, {c.num_experts, per_feature * c.intermediate_size, c.hidden_size});
    check_shape(w.down, {c.num_experts, c.hidden_size, c.intermediate_size});
    check_shape(w.router, {1, c.num_experts, c.hidden_size});
    const bool biases = model.family() == "gpt_oss";
    CHECK(w.gate_up_bias.present() == biases);
    if (biases) {
      check_shape(w.gate_up_bias, {1, c.num_experts, 2 * c.intermediate_size});
      check_shape(w.down_bias, {1, c.num_experts, c.hidden_size});
      check_shape(w.router_bias, {1, 1, c.num_experts});
    }
    if (w.correction_bias.present()) {
      check_shape(w.correction_bias, {1, 1, c.num_experts});
    }
    const std::int64_t shared = c.shared_expert.intermediate_size;
    CHECK(w.shared_down.present() == (shared != 0));
    if (shared != 0) {
      check_shape(w.shared_gate_up, {1, per_feature * shared, c.hidden_size});
      check_shape(w.shared_down, {1, c.hidden_size, shared});
    }
    CHECK(w.shared_gate.present() == c.shared_expert.gated);
    CHECK(w.expert_map.empty());
  }
  CHECK(count >= 16);
}

TEST_CASE("golden layers: the router is the family's recipe") {
  CHECK(golden("qwen3_moe").router == routers::qwen3_moe(true));
  CHECK(golden("mixtral").router == routers::mixtral());
  CHECK(golden("qwen2_moe").router == routers::qwen3_moe(false));
  CHECK(golden("deepseek_v3").router == routers::deepseek_v3(4, 2, true, 2.5F));
  CHECK(golden("gpt_oss").router == routers::gpt_oss());
  CHECK(golden("llama4").router == routers::llama4());
  CHECK(golden("olmoe").router == routers::qwen3_moe(false));
  CHECK(golden("qwen3_next").router == routers::qwen3_moe(true));
  CHECK(golden("qwen3_vl_moe").router == routers::mixtral());
  CHECK(golden("glm4_moe").router == routers::deepseek_v3(4, 2, true, 1.7F));
  CHECK(golden("nemotron_h").router == routers::deepseek_v3(4, 2, true, 1.7F));
  CHECK(golden("minimax_m2").router == sigmoid_with_bias(0.0F, 1.0F));
  CHECK(golden("lfm2_moe").router == sigmoid_with_bias(1e-6F, 1.5F));
  CHECK(golden("granitemoehybrid").router == routers::gpt_oss());

  RouterConfig ernie;
  ernie.renormalize = Renormalize::divide_by_clamped_sum;
  ernie.epsilon = 1e-12F;
  CHECK(golden("ernie4_5_moe").router == ernie);

  RouterConfig deepseek_v2 = routers::qwen3_moe(false);
  deepseek_v2.num_groups = 4;
  deepseek_v2.kept_groups = 2;
  deepseek_v2.group_score = GroupScore::best;
  deepseek_v2.group_fill = GroupFill::zero;
  deepseek_v2.scaling_factor = 1.7F;
  CHECK(golden("deepseek_v2").router == deepseek_v2);
}

TEST_CASE("golden layers: a correction bias exactly where the recipe has one") {
  const std::vector<std::string> with{"deepseek_v3", "ernie4_5_moe", "glm4_moe",
                                      "lfm2_moe",    "minimax_m2",   "nemotron_h"};
  for (const auto& entry : std::filesystem::directory_iterator(SWITCHYARD_GOLDEN_DIR)) {
    if (entry.is_directory()) {
      const std::string name = entry.path().filename().string();
      INFO(name);
      const auto block = Model::open(entry.path()).load_layer(1);
      CHECK(block.weights().correction_bias.present() ==
            (std::find(with.begin(), with.end(), name) != with.end()));
    }
  }
}

TEST_CASE("golden layers: activations and shared experts") {
  CHECK(golden("qwen3_moe").activation == ActivationConfig{});
  CHECK(golden("nemotron_h").activation.kind == ActivationKind::relu2);
  const ActivationConfig clamped = golden("gpt_oss").activation;
  CHECK(clamped.kind == ActivationKind::swiglu_clamped);
  CHECK(clamped.alpha == 1.702F);
  CHECK(clamped.limit == 7.0F);
  CHECK(golden("qwen3_moe").shared_expert == SharedExpertConfig{});
  CHECK(golden("qwen2_moe").shared_expert == SharedExpertConfig{72, true});
  CHECK(golden("qwen3_next").shared_expert == SharedExpertConfig{56, true});
  CHECK(golden("deepseek_v3").shared_expert == SharedExpertConfig{32, false});
  CHECK(golden("deepseek_v2").shared_expert == SharedExpertConfig{80, false});
  CHECK(golden("granitemoehybrid").shared_expert == SharedExpertConfig{56, false});
  CHECK(golden("llama4").shared_expert == SharedExpertConfig{48, false});
}

TEST_CASE("an absent key means what the family's own configuration class says") {
  CHECK(without("qwen3_moe", "norm_topk_prob").router == routers::qwen3_moe(false));
  CHECK(without("olmoe", "norm_topk_prob").router == routers::qwen3_moe(false));
  CHECK(without("qwen3_next", "norm_topk_prob").router == routers::qwen3_moe(true));
  CHECK(without("glm4_moe", "norm_topk_prob").router.renormalize == Renormalize::divide_by_sum);
  CHECK(without("glm4_moe", "topk_group").router.kept_groups == 1);
  CHECK(without("glm4_moe", "routed_scaling_factor").router.scaling_factor == 1.0F);
  CHECK(without("deepseek_v3", "routed_scaling_factor").router.scaling_factor == 2.5F);
  CHECK(without("deepseek_v2", "topk_method").router.num_groups == 1);
  CHECK(without("ernie4_5_moe", "moe_norm_min").router.epsilon == 1e-12F);
  CHECK(without("olmoe", "hidden_act").activation.kind == ActivationKind::swiglu);
  CHECK(without("llama4", "num_experts_per_tok").top_k == 1);
  CHECK(without("olmoe", "num_experts_per_tok").top_k == 8);
  // moe_layers is not there, interleave_moe_layer_step is 1.
  CHECK(without("llama4", "moe_layers").num_experts == 8);
}

TEST_CASE("gpt-oss: swiglu_limit is 7 unless config.json says otherwise") {
  const ModelCopy copy("gpt_oss");
  CHECK(config_of(copy.path()).activation.limit == 7.0F);
  copy.add_to_config("\"swiglu_limit\": 5.5");
  CHECK(config_of(copy.path()).activation.limit == 5.5F);
  copy.edit_config("5.5", "-1");
  check_error(ErrorCode::unsupported_model, {"limit", "-1"}, [&] { (void)config_of(copy.path()); });
}

TEST_CASE("num_experts goes by the spelling of any version") {
  for (const char* key : {"num_experts", "num_local_experts", "n_routed_experts"}) {
    const ModelCopy copy("qwen3_moe");
    copy.edit_config("\"num_local_experts\"", '"' + std::string(key) + '"');
    CHECK(config_of(copy.path()).num_experts == 16);
  }
}

TEST_CASE("hidden_act chooses the activation") {
  const auto with = [](const std::string& name) {
    const ModelCopy copy("olmoe");
    copy.edit_config("\"silu\"", '"' + name + '"');
    return config_of(copy.path()).activation.kind;
  };
  CHECK(with("silu") == ActivationKind::swiglu);
  CHECK(with("swish") == ActivationKind::swiglu);
  CHECK(with("gelu") == ActivationKind::geglu_erf);
  CHECK(with("gelu_pytorch_tanh") == ActivationKind::geglu_tanh);
  CHECK(with("gelu_new") == ActivationKind::geglu_tanh);
}

TEST_CASE("the layers that have an MoE block, by each family's keys") {
  using Layers = std::vector<std::int64_t>;
  // Adds members to a golden config.json with 8 layers.
  const auto layers = [](const std::string& name, const std::string& remove,
                         const std::string& members) {
    const ModelCopy copy(name);
    if (!remove.empty()) {
      copy.edit_config('"' + remove + '"', "\"was_" + remove + '"');
    }
    copy.edit_config("\"num_hidden_layers\": 2", "\"num_hidden_layers\": 8");
    if (!members.empty()) {
      copy.add_to_config(members);
    }
    return Model::open(copy.path()).moe_layers();
  };
  CHECK(layers("olmoe", "", "") == Layers{0, 1, 2, 3, 4, 5, 6, 7});
  CHECK(layers("qwen3_moe", "decoder_sparse_step", "\"decoder_sparse_step\": 3") == Layers{2, 5});
  CHECK(layers("qwen3_moe", "mlp_only_layers", "\"mlp_only_layers\": [0, 7]") ==
        Layers{1, 2, 3, 4, 5, 6});
  CHECK(layers("deepseek_v3", "first_k_dense_replace", "") == Layers{3, 4, 5, 6, 7});
  CHECK(layers("deepseek_v3", "first_k_dense_replace",
               "\"first_k_dense_replace\": 2, \"moe_layer_freq\": 2") == Layers{2, 4, 6});
  CHECK(layers("deepseek_v3", "", "\"moe_layer_freq\": [0, 1, 1, 0, 1, 1, 0, 1]") ==
        Layers{1, 2, 4, 5, 7});
  CHECK(
      layers(
          "glm4_moe", "",
          R"("mlp_layer_types": ["dense","sparse","dense","sparse","dense","dense","dense","sparse"])") ==
      Layers{1, 3, 7});
  CHECK(layers("llama4", "moe_layers", "\"moe_layers\": [3, 1]") == Layers{1, 3});
  CHECK(layers("lfm2_moe", "num_dense_layers", "") == Layers{2, 3, 4, 5, 6, 7});
  {
    const ModelCopy copy("llama4");
    copy.edit_config("\"moe_layers\"", "\"was_moe_layers\"");
    copy.edit_config("\"interleave_moe_layer_step\": 1", "\"interleave_moe_layer_step\": 2");
    copy.edit_config("\"num_hidden_layers\": 2", "\"num_hidden_layers\": 8");
    CHECK(Model::open(copy.path()).moe_layers() == Layers{1, 3, 5, 7});
  }
  {
    const ModelCopy copy("ernie4_5_moe");
    copy.edit_config("\"moe_layer_end_index\": 1", "\"moe_layer_end_index\": 5");
    copy.edit_config("\"moe_layer_interval\": 1", "\"moe_layer_interval\": 2");
    copy.edit_config("\"num_hidden_layers\": 2", "\"num_hidden_layers\": 8");
    CHECK(Model::open(copy.path()).moe_layers() == Layers{1, 3, 5});
  }
  {
    const ModelCopy copy("nemotron_h");
    copy.edit_config("\"layers_block_type\"", "\"was_layers_block_type\"");
    copy.add_to_config("\"hybrid_override_pattern\": \"MEME*E-E\"");
    CHECK(Model::open(copy.path()).moe_layers() == Layers{1, 3, 5, 7});
    CHECK(Model::open(copy.path()).num_layers() == 8);
  }
}

TEST_CASE("families are listed once each, sorted, with those that the library promises") {
  const auto all = families();
  CHECK(std::is_sorted(all.begin(), all.end()));
  CHECK(std::adjacent_find(all.begin(), all.end()) == all.end());
  CHECK(all.size() >= 50);
  for (const char* name :
       {"qwen3_moe", "qwen2_moe", "mixtral", "deepseek_v3", "gpt_oss", "llama4", "llama4_text",
        "olmoe", "qwen3_next", "glm4_moe", "dots1", "minimax", "kimi_k2", "deepseek_v2"}) {
    INFO(name);
    CHECK(std::binary_search(all.begin(), all.end(), std::string_view(name)));
  }
}
