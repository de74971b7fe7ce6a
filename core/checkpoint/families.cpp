// SPDX-License-Identifier: Apache-2.0
// The table of families. Keys, defaults and recipes are those of the configuration and modeling
// classes of transformers 5.17 for the model type; sizes have no default.
#include <algorithm>
#include <array>

#include "core/checkpoint/family.hpp"
#include "core/checkpoint/family_names.hpp"

namespace switchyard::checkpoint {
namespace {

// Keys. Versions differ in the spelling of num_experts.
constexpr IntKey kExperts{.names = {"num_experts", "num_local_experts", "n_routed_experts"}};
constexpr IntKey kRoutedExperts{.names = {"n_routed_experts", "num_local_experts", "num_experts"}};
constexpr IntKey kMoeIntermediate{.names = {"moe_intermediate_size"}};
constexpr IntKey kIntermediate{.names = {"intermediate_size"}};

constexpr IntKey top_k(std::int64_t fallback) {
  return {.names = {"num_experts_per_tok"}, .fallback = fallback};
}

constexpr SharedSpec shared(std::string_view size, std::int64_t fallback, bool gated = false) {
  return {.size = {.names = {size}, .fallback = fallback}, .gated = gated};
}

constexpr SharedSpec counted_shared(std::string_view count, std::int64_t fallback,
                                    IntKey size = kMoeIntermediate) {
  return {.size = size, .count = {.names = {count}, .fallback = fallback}};
}

constexpr IntKey dense_layers(std::string_view key, std::int64_t fallback) {
  return {.names = {key}, .fallback = fallback};
}

// Routers.

constexpr RouterSpec softmax(bool norm_by_default) {
  return {.base = routers::qwen3_moe(true),
          .norm_topk_prob = {.names = {"norm_topk_prob"}, .fallback = norm_by_default}};
}

/// Sigmoid, correction bias, weights / (sum + 1e-20).
constexpr RouterConfig biased_sigmoid(float epsilon) {
  RouterConfig router = routers::deepseek_v3(1, 1, true, 1.0F);
  router.epsilon = epsilon;
  return router;
}

/// DeepSeek-V3's. Experts of groups that were not kept rank at minus infinity, as in transformers
/// 5.17 (older versions: 0).
constexpr RouterSpec grouped(std::int64_t num_groups, std::int64_t kept_groups, bool norm,
                             double scaling_factor) {
  return {.base = biased_sigmoid(1e-20F),
          .norm_topk_prob = {.names = {"norm_topk_prob"}, .fallback = norm},
          .num_groups = {.names = {"n_group"}, .fallback = num_groups},
          .kept_groups = {.names = {"topk_group"}, .fallback = kept_groups},
          .scaling_factor = {.names = {"routed_scaling_factor"}, .fallback = scaling_factor}};
}

constexpr RouterSpec with_zero_fill(RouterSpec spec) {
  spec.base.group_fill = GroupFill::zero;
  return spec;
}

constexpr RouterSpec scaled(RouterConfig base, std::string_view key, double fallback) {
  return {.base = base, .scaling_factor = {.names = {key}, .fallback = fallback}};
}

/// DeepSeek-V2's: the best expert ranks its group, others' score becomes 0; no renormalisation.
constexpr RouterSpec deepseek_v2() {
  RouterConfig base = routers::qwen3_moe(false);
  base.group_score = GroupScore::best;
  base.group_fill = GroupFill::zero;
  return {.base = base,
          .num_groups = {.names = {"n_group"}},
          .kept_groups = {.names = {"topk_group"}},
          .grouping = {.names = {"topk_method"}, .fallback = "greedy"},
          .scaling_factor = {.names = {"routed_scaling_factor"}, .fallback = 1.0}};
}

constexpr RouterSpec mistral4() {
  RouterSpec spec = with_zero_fill(grouped(1, 1, true, 1.0));
  spec.base.score = ScoreFunction::softmax;
  return spec;
}

constexpr RouterSpec ernie() {
  RouterConfig base;
  base.renormalize = Renormalize::divide_by_clamped_sum;
  return {.base = base, .epsilon = {.names = {"moe_norm_min"}, .fallback = 1e-12}};
}

constexpr RouterSpec lfm2() {
  return {.base = biased_sigmoid(1e-6F),
          .norm_topk_prob = {.names = {"norm_topk_prob"}, .fallback = true},
          .scaling_factor = {.names = {"routed_scaling_factor"}, .fallback = 1.0},
          .correction = {.names = {"use_expert_bias"}, .fallback = true}};
}

constexpr RouterSpec kimi_linear() {
  RouterSpec spec = grouped(1, 1, true, 2.446);
  spec.norm_topk_prob.names = {"moe_renormalize", "norm_topk_prob"};
  spec.num_groups.names = {"num_expert_group", "n_group"};
  return spec;
}

// Activations.

constexpr ActivationSpec kGptOssActivation{.silu = ActivationKind::swiglu_clamped,
                                           .alpha = {.names = {}, .fallback = 1.702},
                                           .limit = {.names = {"swiglu_limit"}, .fallback = 7.0}};
constexpr ActivationSpec kMiniMaxM3Activation{
    .silu = ActivationKind::swiglu_clamped,
    .alpha = {.names = {"swiglu_alpha"}, .fallback = 1.702},
    .limit = {.names = {"swiglu_limit"}, .fallback = 7.0}};
constexpr ActivationSpec kSiluAlways{.hidden_act = {.names = {"", ""}, .fallback = "silu"}};
constexpr ActivationSpec kNemotronActivation{
    .hidden_act = {.names = {"mlp_hidden_act"}, .fallback = "relu2"}};

constexpr std::array kTable = std::to_array<Family>({
    {.model_types = {"afmoe"},
     .num_experts = kExperts,
     .top_k = top_k(6),
     .intermediate_size = kMoeIntermediate,
     .router = scaled(biased_sigmoid(1e-20F), "route_scale", 1.0),
     .shared = counted_shared("num_shared_experts", 2),
     .layers = LayerRule::leading_dense,
     .dense_layers = dense_layers("num_dense_layers", 1),
     .requirements = {{{"score_func", "sigmoid"}}},
     .names = names::kAfmoe},
    {.model_types = {"aria", "aria_text"},
     .num_experts = {.names = {"moe_num_experts"}},
     .top_k = {.names = {"moe_topk"}, .fallback = 2},
     .intermediate_size = kIntermediate,
     .router = {.base = routers::gpt_oss()},
     .shared = counted_shared("moe_num_shared_experts", 2, kIntermediate),
     .requirements = {{{"mlp_bias", "false"}}},
     .names = names::kAria},
    {.model_types = {"axk2"},
     .num_experts = kRoutedExperts,
     .top_k = top_k(8),
     .intermediate_size = kMoeIntermediate,
     .router = with_zero_fill(grouped(1, 1, true, 2.5)),
     .shared = counted_shared("n_shared_experts", 1),
     .layers = LayerRule::leading_dense,
     .dense_layers = dense_layers("first_k_dense_replace", 1),
     .requirements = {{{"scoring_func", "sigmoid"}}},
     .names = names::kDeepseek},
    {.model_types = {"deepseek_v2"},
     .num_experts = kRoutedExperts,
     .top_k = {.names = {"num_experts_per_tok"}},
     .intermediate_size = kMoeIntermediate,
     .router = deepseek_v2(),
     .shared = counted_shared("n_shared_experts", 2),
     .layers = LayerRule::leading_dense,
     .dense_layers = dense_layers("first_k_dense_replace", 0),
     .requirements = {{{"mlp_bias", "false"}, {"scoring_func", "softmax"}}},
     .names = names::kDeepseekV2},
    {.model_types = {"deepseek_v3", "kimi_k2"},
     .num_experts = kRoutedExperts,
     .top_k = top_k(8),
     .intermediate_size = kMoeIntermediate,
     .router = grouped(8, 4, true, 2.5),
     .shared = counted_shared("n_shared_experts", 1),
     .layers = LayerRule::leading_dense,
     .dense_layers = dense_layers("first_k_dense_replace", 3),
     .requirements = {{{"scoring_func", "sigmoid"}}},
     .names = names::kDeepseek},
    {.model_types = {"deepseek_v32"},
     .num_experts = kRoutedExperts,
     .top_k = top_k(8),
     .intermediate_size = kMoeIntermediate,
     .router = grouped(8, 4, true, 2.5),
     .shared = counted_shared("n_shared_experts", 1),
     .layers = LayerRule::leading_dense,
     .dense_layers = dense_layers("first_k_dense_replace", 3),
     .requirements = {{{"scoring_func", "sigmoid"}, {"mlp_bias", "false"}}},
     .names = names::kDeepseek},
    {.model_types = {"dots1"},
     .num_experts = kRoutedExperts,
     .top_k = {.names = {"num_experts_per_tok"}},
     .intermediate_size = kMoeIntermediate,
     .router = grouped(1, 1, false, 1.0),
     .shared = counted_shared("n_shared_experts", 0),
     .layers = LayerRule::leading_dense,
     .dense_layers = dense_layers("first_k_dense_replace", 0),
     .names = names::kDeepseek},
    {.model_types = {"ernie4_5_moe"},
     .num_experts = {.names = {"moe_num_experts", "num_experts"}},
     .top_k = {.names = {"moe_k", "num_experts_per_tok"}, .fallback = 6},
     .intermediate_size = kMoeIntermediate,
     .router = ernie(),
     .shared = counted_shared("moe_num_shared_experts", 2),
     .layers = LayerRule::interval,
     .requirements = {{{"use_bias", "false"}}},
     .names = names::kErnie},
    {.model_types = {"exaone_moe"},
     .num_experts = kExperts,
     .top_k = top_k(8),
     .intermediate_size = kMoeIntermediate,
     .router = grouped(1, 1, true, 2.5),
     .shared = counted_shared("num_shared_experts", 1),
     .layers = LayerRule::leading_dense,
     .dense_layers = dense_layers("first_k_dense_replace", 1),
     .requirements = {{{"scoring_func", "sigmoid"}}},
     .names = names::kExaone},
    {.model_types = {"flex_olmo"},
     .num_experts = kExperts,
     .top_k = top_k(5),
     .intermediate_size = kIntermediate,
     .router = softmax(false),
     .names = names::kQwen},
    {.model_types = {"glm4_moe"},
     .num_experts = kRoutedExperts,
     .top_k = top_k(8),
     .intermediate_size = kMoeIntermediate,
     .router = grouped(1, 1, true, 1.0),
     .shared = counted_shared("n_shared_experts", 1),
     .layers = LayerRule::leading_dense,
     .dense_layers = dense_layers("first_k_dense_replace", 1),
     .names = names::kDeepseek},
    {.model_types = {"glm4_moe_lite"},
     .num_experts = kRoutedExperts,
     .top_k = top_k(4),
     .intermediate_size = kMoeIntermediate,
     .router = grouped(1, 1, true, 1.8),
     .shared = counted_shared("n_shared_experts", 1),
     .layers = LayerRule::leading_dense,
     .dense_layers = dense_layers("first_k_dense_replace", 1),
     .names = names::kDeepseek},
    {.model_types = {"glm4v_moe", "glm4v_moe_text"},
     .num_experts = kRoutedExperts,
     .top_k = top_k(8),
     .intermediate_size = kMoeIntermediate,
     .router = grouped(1, 1, true, 1.0),
     .shared = counted_shared("n_shared_experts", 1),
     .layers = LayerRule::leading_dense,
     .dense_layers = dense_layers("first_k_dense_replace", 1),
     .names = names::kDeepseek},
    {.model_types = {"glm_moe_dsa"},
     .num_experts = kRoutedExperts,
     .top_k = top_k(8),
     .intermediate_size = kMoeIntermediate,
     .router = grouped(1, 1, true, 2.5),
     .shared = counted_shared("n_shared_experts", 1),
     .layers = LayerRule::leading_dense,
     .dense_layers = dense_layers("first_k_dense_replace", 3),
     .requirements = {{{"scoring_func", "sigmoid"}, {"mlp_bias", "false"}}},
     .names = names::kDeepseek},
    {.model_types = {"gpt_oss"},
     .num_experts = kExperts,
     .top_k = top_k(4),
     .intermediate_size = kIntermediate,
     .router = {.base = routers::gpt_oss()},
     .activation = kGptOssActivation,
     .names = names::kGptOss},
    {.model_types = {"granitemoe"},
     .num_experts = kExperts,
     .top_k = top_k(2),
     .intermediate_size = kIntermediate,
     .router = {.base = routers::gpt_oss()},
     .names = names::kGranite},
    {.model_types = {"granitemoehybrid"},
     .num_experts = kExperts,
     .top_k = top_k(2),
     .intermediate_size = kIntermediate,
     .router = {.base = routers::gpt_oss()},
     .shared = shared("shared_intermediate_size", 1024),
     .names = names::kGranite},
    {.model_types = {"granitemoeshared"},
     .num_experts = kExperts,
     .top_k = top_k(2),
     .intermediate_size = kIntermediate,
     .router = {.base = routers::gpt_oss()},
     .shared = shared("shared_intermediate_size", 0),
     .names = names::kGranite},
    {.model_types = {"hunyuan_v1_moe"},
     .num_experts = kExperts,
     .top_k = {.names = {"moe_topk", "num_experts_per_tok"}, .fallback = 1},
     .intermediate_size = kIntermediate,
     .router = {.base = routers::mixtral()},
     .shared = {.size = kIntermediate},
     .names = names::kHunyuanV1},
    {.model_types = {"hy_v3"},
     .num_experts = kExperts,
     .top_k = top_k(8),
     .intermediate_size = kMoeIntermediate,
     .router = scaled(biased_sigmoid(1e-20F), "router_scaling_factor", 2.826),
     .shared = counted_shared("num_shared_experts", 1),
     .layers = LayerRule::leading_dense,
     .dense_layers = dense_layers("first_k_dense_replace", 1),
     .requirements = {{{"mlp_bias", "false"}}},
     .names = names::kHunyuanV3},
    {.model_types = {"jamba"},
     .num_experts = kExperts,
     .top_k = top_k(2),
     .intermediate_size = kIntermediate,
     .router = {.base = routers::qwen3_moe(false)},
     .layers = LayerRule::period,
     .names = names::kJamba},
    {.model_types = {"kimi_linear"},
     .num_experts = kExperts,
     .top_k = {.names = {"num_experts_per_token", "num_experts_per_tok"}, .fallback = 8},
     .intermediate_size = kMoeIntermediate,
     .router = kimi_linear(),
     .shared = counted_shared("num_shared_experts", 1),
     .layers = LayerRule::leading_dense,
     .dense_layers = dense_layers("first_k_dense_replace", 1),
     .requirements = {{{"moe_router_activation_func", "sigmoid"}}},
     .names = names::kKimiLinear},
    {.model_types = {"laguna"},
     .num_experts = kExperts,
     .top_k = top_k(8),
     .intermediate_size = kMoeIntermediate,
     .router = scaled(biased_sigmoid(0.0F), "moe_routed_scaling_factor", 1.0),
     .shared = shared("shared_expert_intermediate_size", 512),
     .layers = LayerRule::leading_dense,
     .dense_layers = dense_layers("first_k_dense_replace", 1),
     .requirements = {{{"moe_apply_router_weight_on_input", "false"},
                       {"moe_router_logit_softcapping", "false"}}},
     .names = names::kLaguna},
    {.model_types = {"lfm2_moe"},
     .num_experts = kExperts,
     .top_k = top_k(4),
     .intermediate_size = kMoeIntermediate,
     .router = lfm2(),
     .activation = kSiluAlways,
     .layers = LayerRule::leading_dense,
     .dense_layers = dense_layers("num_dense_layers", 2),
     .names = names::kLfm2},
    {.model_types = {"llama4", "llama4_text"},
     .num_experts = kExperts,
     .top_k = top_k(1),
     .intermediate_size = kIntermediate,
     .router = {.base = routers::llama4()},
     .shared = {.size = kIntermediate},
     .layers = LayerRule::interleave,
     .names = names::kLlama4},
    {.model_types = {"mellum"},
     .num_experts = kExperts,
     .top_k = top_k(8),
     .intermediate_size = kMoeIntermediate,
     .router = softmax(true),
     .layers = LayerRule::leading_dense,
     .names = names::kQwen},
    {.model_types = {"mimo_v2_flash"},
     .num_experts = kRoutedExperts,
     .top_k = top_k(8),
     .intermediate_size = kMoeIntermediate,
     .router = grouped(1, 1, true, 1.0),
     .layers = LayerRule::leading_dense,
     .dense_layers = dense_layers("first_k_dense_replace", 1),
     .requirements = {{{"scoring_func", "sigmoid"}}},
     .names = names::kDeepseek},
    {.model_types = {"minimax"},
     .num_experts = kExperts,
     .top_k = top_k(2),
     .intermediate_size = kIntermediate,
     .router = {.base = routers::mixtral()},
     .names = names::kMixtral},
    {.model_types = {"minimax_m2"},
     .num_experts = kExperts,
     .top_k = top_k(8),
     .intermediate_size = kIntermediate,
     .router = {.base = biased_sigmoid(0.0F)},
     .requirements = {{{"scoring_func", "sigmoid"}}},
     .names = names::kMiniMaxM2},
    {.model_types = {"minimax_m3_vl", "minimax_m3_vl_text"},
     .num_experts = kExperts,
     .top_k = top_k(4),
     .intermediate_size = kIntermediate,
     .router = scaled(biased_sigmoid(0.0F), "routed_scaling_factor", 2.0),
     .shared = shared("shared_intermediate_size", 3072),
     .activation = kMiniMaxM3Activation,
     .layers = LayerRule::leading_dense,
     .names = names::kMiniMaxM3},
    {.model_types = {"mistral4"},
     .num_experts = kRoutedExperts,
     .top_k = top_k(4),
     .intermediate_size = kMoeIntermediate,
     .router = mistral4(),
     .shared = counted_shared("n_shared_experts", 1),
     .layers = LayerRule::leading_dense,
     .dense_layers = dense_layers("first_k_dense_replace", 0),
     .names = names::kDeepseekV2},
    {.model_types = {"mixtral"},
     .num_experts = kExperts,
     .top_k = top_k(2),
     .intermediate_size = kIntermediate,
     .router = {.base = routers::mixtral()},
     .names = names::kMixtral},
    {.model_types = {"nemotron_h"},
     .num_experts = kRoutedExperts,
     .top_k = top_k(2),
     .intermediate_size = kMoeIntermediate,
     .router = grouped(1, 1, true, 1.0),
     .shared = shared("moe_shared_expert_intermediate_size", 7688),
     .activation = kNemotronActivation,
     .layers = LayerRule::block_types,
     .requirements = {{{"moe_latent_size", "false"}, {"mlp_bias", "false"}}},
     .names = names::kNemotron},
    {.model_types = {"olmoe"},
     .num_experts = kExperts,
     .top_k = top_k(8),
     .intermediate_size = kIntermediate,
     .router = softmax(false),
     .names = names::kQwen},
    {.model_types = {"qwen2_moe"},
     .num_experts = kExperts,
     .top_k = top_k(4),
     .intermediate_size = kMoeIntermediate,
     .router = softmax(false),
     .shared = shared("shared_expert_intermediate_size", 5632, true),
     .layers = LayerRule::sparse_step,
     .names = names::kQwenShared},
    {.model_types = {"qwen3_5_moe", "qwen3_5_moe_text"},
     .num_experts = kExperts,
     .top_k = top_k(8),
     .intermediate_size = kMoeIntermediate,
     .router = {.base = routers::mixtral()},
     .shared = shared("shared_expert_intermediate_size", 512, true),
     .names = names::kQwenShared},
    {.model_types = {"qwen3_moe"},
     .num_experts = kExperts,
     .top_k = top_k(8),
     .intermediate_size = kMoeIntermediate,
     .router = softmax(false),
     .layers = LayerRule::sparse_step,
     .names = names::kQwen},
    {.model_types = {"qwen3_next"},
     .num_experts = kExperts,
     .top_k = top_k(10),
     .intermediate_size = kMoeIntermediate,
     .router = softmax(true),
     .shared = shared("shared_expert_intermediate_size", 512, true),
     .layers = LayerRule::sparse_step,
     .names = names::kQwenShared},
    {.model_types = {"qwen3_omni_moe", "qwen3_omni_moe_thinker", "qwen3_omni_moe_text"},
     .num_experts = kExperts,
     .top_k = top_k(8),
     .intermediate_size = kMoeIntermediate,
     .router = softmax(true),
     .layers = LayerRule::sparse_step,
     .names = names::kQwen},
    {.model_types = {"qwen3_vl_moe", "qwen3_vl_moe_text"},
     .num_experts = kExperts,
     .top_k = top_k(4),
     .intermediate_size = kMoeIntermediate,
     .router = {.base = routers::mixtral()},
     .layers = LayerRule::sparse_step,
     .names = names::kQwenVl},
    {.model_types = {"qwen4_exp", "qwen4_exp_text"},
     .num_experts = kExperts,
     .top_k = top_k(10),
     .intermediate_size = kMoeIntermediate,
     .router = softmax(true),
     .shared = shared("shared_expert_intermediate_size", 512, true),
     .names = names::kQwenShared},
    {.model_types = {"solar_open"},
     .num_experts = kRoutedExperts,
     .top_k = top_k(8),
     .intermediate_size = kMoeIntermediate,
     .router = grouped(1, 1, true, 1.0),
     .shared = counted_shared("n_shared_experts", 1),
     .layers = LayerRule::leading_dense,
     .names = names::kDeepseek},
});

}  // namespace

std::span<const Family> family_table() noexcept {
  return kTable;
}

const Family* find_family(std::string_view model_type) noexcept {
  for (const Family& family : kTable) {
    for (const std::string_view type : family.model_types) {
      if (!type.empty() && type == model_type) {
        return &family;
      }
    }
  }
  return nullptr;
}

}  // namespace switchyard::checkpoint
