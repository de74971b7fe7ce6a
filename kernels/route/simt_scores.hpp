// SPDX-License-Identifier: Apache-2.0
// What one wave does with the logits of one token, whatever holds them: scores, what experts are
// ranked by, groups and the weights of the chosen.
#pragma once

#include "kernels/math.hpp"
#include "kernels/route/params.hpp"
#include "kernels/simt.hpp"
#include "kernels/simt_elements.hpp"

namespace switchyard::kernels::simt {

/// An expert, or a group, as a candidate: key 0 is none; better is the greater key, then the lower
/// id.
struct Candidate {
  std::uint32_t key;
  std::int32_t id;
};

[[nodiscard]] constexpr bool better(const Candidate& a, const Candidate& b) noexcept {
  return a.key > b.key || (a.key == b.key && a.id < b.id);
}

/// A key that is never 0, in the order of order_key (whose largest value is that of +inf).
[[nodiscard]] constexpr std::uint32_t candidate_key(float selection) noexcept {
  return order_key(selection) + 1;
}

/// The best candidate among `count` keys, whose key becomes 0.
template <class Ctx, class Keys>
SWITCHYARD_FN std::int32_t take_best(Ctx& ctx, Keys& from, std::int32_t count) {
  Candidate winner{0, 0};
  for (std::int32_t i = ctx.lane(); i < count; i += Ctx::kWave) {
    const Candidate own{from[i], i};
    if (better(own, winner)) winner = own;
  }
  winner =
      wave_best(ctx, winner, [](const Candidate& a, const Candidate& b) { return better(a, b); });
  if (winner.id % Ctx::kWave == ctx.lane()) from[winner.id] = 0U;
  ctx.sync_wave();
  return winner.id;
}

/// The scores of a token's row.
template <class Ctx>
struct RowScores {
  Ctx& ctx;
  const RouteParams& params;
  std::int64_t token = 0;
  float best = 0.0F;  // of the logits that a softmax is over, as it uses them
  float sum = 0.0F;   // of their exponentials

  [[nodiscard]] SWITCHYARD_FN float logit(std::int32_t e) const {
    const std::int64_t at = token * params.num_experts + e;
    return with_type_of(params.logits_dtype, [&](auto stored) {
      return load<decltype(stored)>(params.router_logits, at);
    });
  }

  /// Sets best and sum for the softmax over logit_at(0) .. logit_at(count - 1).
  template <class LogitAt>
  SWITCHYARD_FN void prepare_softmax(std::int32_t count, LogitAt logit_at) {
    best = -kInfinity;
    for (std::int32_t i = ctx.lane(); i < count; i += Ctx::kWave) {
      const float l = score_input(logit_at(i));
      best = l > best ? l : best;
    }
    best = wave_best(ctx, best, [](float a, float b) { return a > b; });
    sum = strided_sum(ctx, count, [&](std::int32_t i) { return exponential(logit_at(i)); });
  }
  [[nodiscard]] SWITCHYARD_FN float exponential(float l) const {
    return best == -kInfinity ? 0.0F : exp_nonpositive(score_input(l) - best);
  }
  [[nodiscard]] SWITCHYARD_FN float softmax(float l) const {
    return sum > 0.0F ? exponential(l) / sum : 0.0F;
  }

  /// Score of an expert whose logit is l.
  [[nodiscard]] SWITCHYARD_FN float score(float l) const {
    if (params.score == ScoreFunction::softmax) return softmax(l);
    return params.score == ScoreFunction::sigmoid ? sigmoid(score_input(l)) : score_input(l);
  }

  /// What expert e, whose logit is l, is ranked by.
  [[nodiscard]] SWITCHYARD_FN float selection(float l, std::int32_t e) const {
    if (is_nan(l) || (params.correction_bias == nullptr && params.num_groups == 1)) return l;
    return params.correction_bias == nullptr ? score(l) : score(l) + params.correction_bias[e];
  }

  /// Selection of group g: of its best member, or the sum of its two best.
  template <class Keys>
  [[nodiscard]] SWITCHYARD_FN float group_selection(const Keys& keys, std::int32_t g) const {
    const std::int32_t width = params.num_experts / params.num_groups;
    Candidate first{0, 0};
    Candidate second{0, 0};
    for (std::int32_t e = g * width; e < (g + 1) * width; ++e) {
      const Candidate own{keys[e], e};
      if (better(own, first)) {
        second = first;
        first = own;
      } else if (better(own, second)) {
        second = own;
      }
    }
    const float value = selection(logit(first.id), first.id);
    const bool alone = params.group_score == GroupScore::best || width == 1;
    return alone ? value : value + selection(logit(second.id), second.id);
  }

  /// Keeps the best groups: the keys of the other experts become that of the fill.
  /// keys: [E] candidate keys, groups: [num_groups] scratch; both of the wave's own.
  template <class Keys>
  SWITCHYARD_FN void drop_groups(Keys& keys, Keys& groups) {
    for (std::int32_t g = ctx.lane(); g < params.num_groups; g += Ctx::kWave)
      groups[g] = candidate_key(group_selection(keys, g));
    ctx.sync_wave();
    for (std::int32_t kept = 0; kept < params.kept_groups; ++kept)
      static_cast<void>(take_best(ctx, groups, params.num_groups));
    const float fill = params.group_fill == GroupFill::zero ? 0.0F : -kInfinity;
    const std::int32_t width = params.num_experts / params.num_groups;
    for (std::int32_t e = ctx.lane(); e < params.num_experts; e += Ctx::kWave)
      if (groups[e / width] != 0U && !is_nan(logit(e))) keys[e] = candidate_key(fill);
    ctx.sync_wave();
  }

  /// The weights of the experts chosen[0] .. chosen[K - 1], which the wave sees.
  template <class Ids, class Weights>
  SWITCHYARD_FN void weigh(const Ids& chosen, Weights& weights) {
    const std::int32_t top_k = params.top_k;
    const bool over_selected = params.weights_from == WeightsFrom::softmax_over_selected;
    const auto chosen_logit = [&](std::int32_t k) { return logit(chosen[k]); };
    if (over_selected) prepare_softmax(top_k, chosen_logit);
    for (std::int32_t k = ctx.lane(); k < top_k; k += Ctx::kWave)
      weights[k] = over_selected ? softmax(chosen_logit(k)) : score(chosen_logit(k));
    ctx.sync_wave();
    const bool divides = params.renormalize != Renormalize::none;
    const float total =
        divides ? strided_sum(ctx, top_k, [&](std::int32_t k) { return float{weights[k]}; }) : 0.0F;
    const float divisor = params.renormalize == Renormalize::divide_by_sum
                              ? total + params.epsilon
                              : (total < params.epsilon ? params.epsilon : total);
    const DType dtype = weights_dtype(params);
    ctx.sync_wave();
    for (std::int32_t k = ctx.lane(); k < top_k; k += Ctx::kWave) {
      float weight = weights[k];
      if (divides) weight = divisor > 0.0F ? weight / divisor : 1.0F / static_cast<float>(top_k);
      weights[k] = finite_weight(round_to(dtype, weight * params.scaling_factor), dtype);
    }
    ctx.sync_wave();
  }
};

}  // namespace switchyard::kernels::simt
