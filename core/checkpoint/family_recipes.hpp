// SPDX-License-Identifier: Apache-2.0
// What the table of families is written in: keys, routers and activations that families share.
#pragma once

#include <cstdint>
#include <string_view>

#include "core/checkpoint/family.hpp"

namespace switchyard::checkpoint::recipes {

// Keys. Versions differ in the spelling of num_experts.
inline constexpr IntKey kExperts{.names = {"num_experts", "num_local_experts", "n_routed_experts"}};
inline constexpr IntKey kRoutedExperts{
    .names = {"n_routed_experts", "num_local_experts", "num_experts"}};
inline constexpr IntKey kMoeIntermediate{.names = {"moe_intermediate_size"}};
inline constexpr IntKey kIntermediate{.names = {"intermediate_size"}};

[[nodiscard]] constexpr IntKey top_k(std::int64_t fallback) {
  return {.names = {"num_experts_per_tok"}, .fallback = fallback};
}

[[nodiscard]] constexpr SharedSpec shared(std::string_view size, std::int64_t fallback,
                                          bool gated = false) {
  return {.size = {.names = {size}, .fallback = fallback}, .gated = gated};
}

[[nodiscard]] constexpr SharedSpec counted_shared(std::string_view count, std::int64_t fallback,
                                                  IntKey size = kMoeIntermediate) {
  return {.size = size, .count = {.names = {count}, .fallback = fallback}};
}

[[nodiscard]] constexpr IntKey dense_layers(std::string_view key, std::int64_t fallback) {
  return {.names = {key}, .fallback = fallback};
}

// Routers.

[[nodiscard]] constexpr RouterSpec softmax(bool norm_by_default) {
  return {.base = routers::qwen3_moe(true),
          .norm_topk_prob = {.names = {"norm_topk_prob"}, .fallback = norm_by_default}};
}

/// Sigmoid, correction bias, weights / (sum + 1e-20).
[[nodiscard]] constexpr RouterConfig biased_sigmoid(float epsilon) {
  RouterConfig router = routers::deepseek_v3(1, 1, true, 1.0F);
  router.epsilon = epsilon;
  return router;
}

/// DeepSeek-V3's. Experts of groups that were not kept rank at minus infinity, as in transformers
/// 5.17 (older versions: 0).
[[nodiscard]] constexpr RouterSpec grouped(std::int64_t num_groups, std::int64_t kept_groups,
                                           bool norm, double scaling_factor) {
  return {.base = biased_sigmoid(1e-20F),
          .norm_topk_prob = {.names = {"norm_topk_prob"}, .fallback = norm},
          .num_groups = {.names = {"n_group"}, .fallback = num_groups},
          .kept_groups = {.names = {"topk_group"}, .fallback = kept_groups},
          .scaling_factor = {.names = {"routed_scaling_factor"}, .fallback = scaling_factor}};
}

[[nodiscard]] constexpr RouterSpec with_zero_fill(RouterSpec spec) {
  spec.base.group_fill = GroupFill::zero;
  return spec;
}

[[nodiscard]] constexpr RouterSpec scaled(RouterConfig base, std::string_view key,
                                          double fallback) {
  return {.base = base, .scaling_factor = {.names = {key}, .fallback = fallback}};
}

/// DeepSeek-V2's: the best expert ranks its group, others' score becomes 0; no renormalisation.
[[nodiscard]] constexpr RouterSpec deepseek_v2() {
  RouterConfig base = routers::qwen3_moe(false);
  base.group_score = GroupScore::best;
  base.group_fill = GroupFill::zero;
  return {.base = base,
          .num_groups = {.names = {"n_group"}},
          .kept_groups = {.names = {"topk_group"}},
          .grouping = {.names = {"topk_method"}, .fallback = "greedy"},
          .scaling_factor = {.names = {"routed_scaling_factor"}, .fallback = 1.0}};
}

[[nodiscard]] constexpr RouterSpec mistral4() {
  RouterSpec spec = with_zero_fill(grouped(1, 1, true, 1.0));
  spec.base.score = ScoreFunction::softmax;
  return spec;
}

[[nodiscard]] constexpr RouterSpec ernie() {
  RouterConfig base;
  base.renormalize = Renormalize::divide_by_clamped_sum;
  return {.base = base, .epsilon = {.names = {"moe_norm_min"}, .fallback = 1e-12}};
}

[[nodiscard]] constexpr RouterSpec lfm2() {
  return {.base = biased_sigmoid(1e-6F),
          .norm_topk_prob = {.names = {"norm_topk_prob"}, .fallback = true},
          .scaling_factor = {.names = {"routed_scaling_factor"}, .fallback = 1.0},
          .correction = {.names = {"use_expert_bias"}, .fallback = true}};
}

[[nodiscard]] constexpr RouterSpec kimi_linear() {
  RouterSpec spec = grouped(1, 1, true, 2.446);
  spec.norm_topk_prob.names = {"moe_renormalize", "norm_topk_prob"};
  spec.num_groups.names = {"num_expert_group", "n_group"};
  return spec;
}

// Activations.

inline constexpr ActivationSpec kGptOssActivation{
    .silu = ActivationKind::swiglu_clamped,
    .alpha = {.names = {}, .fallback = 1.702},
    .limit = {.names = {"swiglu_limit"}, .fallback = 7.0}};
inline constexpr ActivationSpec kMiniMaxM3Activation{
    .silu = ActivationKind::swiglu_clamped,
    .alpha = {.names = {"swiglu_alpha"}, .fallback = 1.702},
    .limit = {.names = {"swiglu_limit"}, .fallback = 7.0}};
inline constexpr ActivationSpec kSiluAlways{.hidden_act = {.names = {"", ""}, .fallback = "silu"}};
inline constexpr ActivationSpec kNemotronActivation{
    .hidden_act = {.names = {"mlp_hidden_act"}, .fallback = "relu2"}};

}  // namespace switchyard::checkpoint::recipes
