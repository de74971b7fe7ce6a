// SPDX-License-Identifier: Apache-2.0
/// \file
/// One descriptor for every router of the field. T tokens, E experts, K experts per token.
#pragma once

#include <cstdint>

namespace switchyard {

/// Turns a logit into a score. Sums and exponentials are f32.
enum class ScoreFunction : std::uint8_t {
  softmax,   ///< exp(l - max) / sum over the E logits of the row.
  sigmoid,   ///< 1 / (1 + exp(-l)).
  identity,  ///< the logit itself.
};

/// Ranks a group of experts by its members' selection scores.
enum class GroupScore : std::uint8_t {
  sum_of_two_best,  ///< DeepSeek-V3.
  best,             ///< DeepSeek-V2.
};

/// Selection score of the experts of a group that was not kept.
enum class GroupFill : std::uint8_t {
  minus_infinity,  ///< A dropped group never wins over a kept one (engines).
  zero,            ///< transformers: wins over negative scores of kept groups.
};

/// What the pair weights are made of.
enum class WeightsFrom : std::uint8_t {
  scores,                 ///< The selected experts' scores, without correction bias.
  softmax_over_selected,  ///< exp(l - max) / sum over the K selected logits (gpt-oss).
};

/// What happens to the K weights of a token before scaling. Where the denominator is not a positive
/// number every weight becomes 1 / K.
enum class Renormalize : std::uint8_t {
  none,
  divide_by_sum,          ///< w / (sum + epsilon).
  divide_by_clamped_sum,  ///< w / max(sum, epsilon).
};

/// Where a pair's weight is applied.
enum class WeightSite : std::uint8_t {
  combine,       ///< On the expert's output row, in f32, while the K rows are summed.
  expert_input,  ///< On the token's hidden state, before gate_up (Llama 4).
};

/// Precision at a point where implementations differ.
enum class Rounding : std::uint8_t {
  f32,         ///< Not rounded: stays f32.
  activation,  ///< Rounded to the layer's activation dtype, as an implementation that stores it
               ///< does.
};

/// A router. The recipe, per token:
///
///   score_e     = score(logit_e)
///   selection_e = score_e + correction_bias_e; the logit itself where there is neither a bias nor
///                 groups: every score is increasing
///   groups      : keep the kept_groups groups of num_groups that rank best by group_score; the
///                 others' selection becomes group_fill
///   ids         = the K best by selection, best first
///   weight      = weights_from, renormalised, * scaling_factor, rounded
///
/// For any bit pattern of logits and bias the K ids are distinct and in [0, E), and weights are
/// finite: a NaN logit ranks below -inf whatever its bias, -0 equals +0, ties go to the lower id;
/// as a score a NaN logit counts as -inf and +inf as the largest float; a weight that would not be
/// finite is clamped to the largest of its dtype (NaN to 0). Sums over E and K are f32, in 64
/// strided partial sums joined by a tree.
struct RouterConfig {
  ScoreFunction score = ScoreFunction::softmax;
  GroupScore group_score = GroupScore::sum_of_two_best;
  GroupFill group_fill = GroupFill::minus_infinity;
  WeightsFrom weights_from = WeightsFrom::scores;
  Renormalize renormalize = Renormalize::none;
  WeightSite weight_site = WeightSite::combine;
  /// Rounding of the logits that the layer computes itself from the gate's weight.
  Rounding logits_rounding = Rounding::f32;
  Rounding weights_rounding = Rounding::f32;
  std::int64_t num_groups = 1;   ///< Groups of E / num_groups neighbouring experts.
  std::int64_t kept_groups = 1;  ///< Groups that stay eligible, in [1, num_groups].
  float epsilon = 0.0F;          ///< For renormalize; not negative.
  float scaling_factor = 1.0F;   ///< Multiplies the weights last.

  bool operator==(const RouterConfig&) const = default;
};

/// The recipes of model families, under their names.
namespace routers {

/// Softmax over E, top-k, divided by the sum where the checkpoint says norm_topk_prob.
[[nodiscard]] constexpr RouterConfig qwen3_moe(bool norm_topk_prob) noexcept {
  RouterConfig router;
  router.renormalize = norm_topk_prob ? Renormalize::divide_by_sum : Renormalize::none;
  return router;
}

/// Softmax over E, top-k, divided by the sum.
[[nodiscard]] constexpr RouterConfig mixtral() noexcept {
  return qwen3_moe(true);
}

/// Sigmoid, correction bias for selection only, groups ranked by the sum of their two best,
/// unbiased scores / (sum + 1e-20), * scaling factor. Also GLM-4-MoE.
[[nodiscard]] constexpr RouterConfig deepseek_v3(std::int64_t num_groups, std::int64_t kept_groups,
                                                 bool norm_topk_prob,
                                                 float scaling_factor) noexcept {
  RouterConfig router;
  router.score = ScoreFunction::sigmoid;
  router.renormalize = norm_topk_prob ? Renormalize::divide_by_sum : Renormalize::none;
  router.num_groups = num_groups;
  router.kept_groups = kept_groups;
  router.epsilon = 1e-20F;
  router.scaling_factor = scaling_factor;
  return router;
}

/// Top-k of the logits, softmax over the selected.
[[nodiscard]] constexpr RouterConfig gpt_oss() noexcept {
  RouterConfig router;
  router.score = ScoreFunction::identity;
  router.weights_from = WeightsFrom::softmax_over_selected;
  return router;
}

/// Top-k of the logits, sigmoid, applied to the expert's input.
[[nodiscard]] constexpr RouterConfig llama4() noexcept {
  RouterConfig router;
  router.score = ScoreFunction::sigmoid;
  router.weight_site = WeightSite::expert_input;
  return router;
}

}  // namespace routers
}  // namespace switchyard
