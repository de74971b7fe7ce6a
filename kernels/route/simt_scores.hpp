// SPDX-License-Identifier: Apache-2.0
// What one wave does with the logits of one token, whatever holds them: scores, what experts are
// ranked by, groups and the weights of the chosen.
#pragma once

#include <cstdint>
#include <limits>

#include "kernels/math.hpp"
#include "kernels/route/params.hpp"
#include "kernels/simt.hpp"
#include "kernels/simt_elements.hpp"
#include "switchyard/limits.hpp"

namespace switchyard::kernels::simt {

/// A key that is never 0, in the order of order_key (whose largest value is that of +inf).
[[nodiscard]] constexpr std::uint32_t candidate_key(float selection) noexcept {
  return order_key(selection) + 1;
}

/// The selection that a candidate key was made of; a zero comes back as +0.
[[nodiscard]] constexpr float selection_of_key(std::uint32_t key) noexcept {
  return key <= 1 ? std::numeric_limits<float>::quiet_NaN() : number_of_order_key(key - 1);
}

/// The best candidate among `count` keys, the greatest key, then the lowest id. Its key becomes 0.
template <class Ctx, class Keys>
SWITCHYARD_FN std::int32_t take_best(Ctx& ctx, Keys& from, std::int32_t count) {
  std::uint32_t own = 0;
  std::int32_t place = 0;
  for (std::int32_t i = ctx.lane(); i < count; i += Ctx::kWave) {
    const std::uint32_t key = from[i];
    if (key > own) {
      own = key;
      place = i;
    }
  }
  const std::uint32_t best = ctx.largest(own);
  const std::uint32_t first = ctx.largest(own == best ? ~static_cast<std::uint32_t>(place) : 0U);
  const auto id = static_cast<std::int32_t>(~first);
  if (id % Ctx::kWave == ctx.lane()) from[id] = 0U;
  ctx.sync_wave();
  return id;
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

  /// Sets best from the best of each lane, none of which is NaN.
  SWITCHYARD_FN void set_best(float own) {
    best = number_of_order_key(ctx.largest(order_key(own)));
  }

  /// Sets best and sum for the softmax over logit_at(0) .. logit_at(count - 1).
  template <class LogitAt>
  SWITCHYARD_FN void prepare_softmax(std::int32_t count, LogitAt logit_at) {
    float own = -kInfinity;
    for (std::int32_t i = ctx.lane(); i < count; i += Ctx::kWave) {
      const float l = score_input(logit_at(i));
      own = l > own ? l : own;
    }
    set_best(own);
    sum = strided_sum(ctx, count, [&](std::int32_t i) { return exponential(logit_at(i)); });
  }
  [[nodiscard]] SWITCHYARD_FN float exponential(float l) const {
    return exp_nonpositive(score_input(l) - best);  // where all are -inf: of NaN, 0
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

  /// Lanes that look through a group together: a power of two.
  [[nodiscard]] SWITCHYARD_FN std::int32_t lanes_per_group() const {
    std::int32_t lanes = Ctx::kWave;
    while (lanes > 1 && lanes * params.num_groups > Ctx::kWave) lanes /= 2;
    return lanes;
  }

  /// Sets groups[g] to the key of the group's selection: that of its best member, or the sum of its
  /// two best.
  template <class Keys>
  SWITCHYARD_FN void rank_groups(const Keys& keys, Keys& groups) {
    const std::int32_t width = params.num_experts / params.num_groups;
    const std::int32_t lanes = lanes_per_group();
    const bool alone = params.group_score == GroupScore::best || width == 1;
    for (std::int32_t base = 0; base < params.num_groups; base += Ctx::kWave / lanes) {
      const std::int32_t g = base + ctx.lane() / lanes;
      std::uint32_t first = 0;
      std::uint32_t second = 0;
      for (std::int32_t i = ctx.lane() % lanes; i < width && g < params.num_groups; i += lanes) {
        const std::uint32_t key = keys[g * width + i];
        second = key > first ? first : (key > second ? key : second);
        first = key > first ? key : first;
      }
      for (std::int32_t mask = 1; mask < lanes; mask *= 2) {
        const std::uint32_t other_first = ctx.shuffle(first, ctx.lane() ^ mask);
        const std::uint32_t other_second = ctx.shuffle(second, ctx.lane() ^ mask);
        const std::uint32_t lower = first < other_first ? first : other_first;
        const std::uint32_t later = second > other_second ? second : other_second;
        second = lower > later ? lower : later;
        first = first > other_first ? first : other_first;
      }
      const float value = selection_of_key(first);
      if (g < params.num_groups && ctx.lane() % lanes == 0)
        groups[g] = candidate_key(alone ? value : value + selection_of_key(second));
    }
    ctx.sync_wave();
  }

  /// Finds the groups that are kept: groups[g] becomes 0 for those. keys: [E] candidate keys,
  /// groups: [num_groups]; both of the wave's own.
  template <class Keys>
  SWITCHYARD_FN void keep_groups(const Keys& keys, Keys& groups) {
    rank_groups(keys, groups);
    SWITCHYARD_ROLLED
    for (std::int32_t kept = 0; kept < params.kept_groups; ++kept)
      static_cast<void>(take_best(ctx, groups, params.num_groups));
  }

  /// The key of an expert whose group is not kept and whose logit is a number.
  [[nodiscard]] SWITCHYARD_FN std::uint32_t fill_key() const {
    return candidate_key(params.group_fill == GroupFill::zero ? 0.0F : -kInfinity);
  }

  /// The weights of the experts chosen[0] .. chosen[K - 1], which the wave sees: put(k, expert,
  /// weight) by lane k % kWave. value_of(e), asked by the whole wave: the score of an expert, or
  /// its logit where the weights are a softmax over the selected.
  template <class Ids, class ValueOf, class Put>
  SWITCHYARD_FN void weigh(const Ids& chosen, ValueOf value_of, Put put) {
    constexpr int kPerLane = kPartialsPerLane<Ctx>;
    static_assert(limits::kMaxTopK <= kPerLane * Ctx::kWave);
    const std::int32_t top_k = params.top_k;
    const auto number = [&](int j) { return j * Ctx::kWave + ctx.lane(); };
    float weights[kPerLane] = {};
    std::int32_t experts[kPerLane] = {};
    for (int j = 0; j < kPerLane; ++j) {
      if (j * Ctx::kWave >= top_k) continue;
      experts[j] = chosen[number(j) < top_k ? number(j) : 0];
      const float value = value_of(experts[j]);
      if (number(j) < top_k) weights[j] = value;
    }
    if (over_selected()) softmax_over(weights);
    const bool divides = params.renormalize != Renormalize::none;
    float divisor = 1.0F;
    if (divides) {
      float partial[kPerLane];
      for (int j = 0; j < kPerLane; ++j) partial[j] = 0.0F + weights[j];
      const float total = join_partials(ctx, partial);
      divisor = params.renormalize == Renormalize::divide_by_sum
                    ? total + params.epsilon
                    : (total < params.epsilon ? params.epsilon : total);
    }
    const DType dtype = weights_dtype(params);
    for (int j = 0; j < kPerLane; ++j) {
      if (number(j) >= top_k) continue;
      float weight = weights[j];
      if (divides) weight = divisor > 0.0F ? weight / divisor : 1.0F / static_cast<float>(top_k);
      put(number(j), experts[j],
          finite_weight(round_to(dtype, weight * params.scaling_factor), dtype));
    }
  }

  [[nodiscard]] SWITCHYARD_FN bool over_selected() const {
    return params.weights_from == WeightsFrom::softmax_over_selected;
  }

 private:
  /// Of K logits: number j * kWave + lane is a lane's j-th.
  SWITCHYARD_FN void softmax_over(float (&logits)[kPartialsPerLane<Ctx>]) {
    constexpr int kPerLane = kPartialsPerLane<Ctx>;
    const auto counts = [&](int j) { return j * Ctx::kWave + ctx.lane() < params.top_k; };
    float own = -kInfinity;
    for (int j = 0; j < kPerLane; ++j) {
      const float l = counts(j) ? score_input(logits[j]) : -kInfinity;
      own = l > own ? l : own;
    }
    set_best(own);
    float partial[kPerLane];
    for (int j = 0; j < kPerLane; ++j) partial[j] = counts(j) ? exponential(logits[j]) : 0.0F;
    sum = join_partials(ctx, partial);
    for (int j = 0; j < kPerLane; ++j) logits[j] = counts(j) ? softmax(logits[j]) : 0.0F;
  }
};

}  // namespace switchyard::kernels::simt
