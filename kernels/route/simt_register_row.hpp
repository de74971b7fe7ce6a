// SPDX-License-Identifier: Apache-2.0
// One token's logits in the registers of a wave: expert e is number e / kWave of lane e % kWave.
// The same choice and the same bits as RouteBody, without a pass over shared memory per expert
// chosen.
#pragma once

#include <cstdint>
#include <type_traits>

#include "kernels/math.hpp"
#include "kernels/route/params.hpp"
#include "kernels/route/simt_lane_queue.hpp"
#include "kernels/route/simt_scores.hpp"
#include "kernels/simt.hpp"
#include "kernels/simt_elements.hpp"

namespace switchyard::kernels::simt {

/// What experts are ranked by.
enum class Ranking : std::uint8_t {
  logits,      ///< Their logits: no correction bias, no groups.
  selections,  ///< RowScores::selection, and the keys that it leaves of groups.
};

[[nodiscard]] constexpr Ranking ranking_of(const RouteParams& params) noexcept {
  return params.correction_bias == nullptr && params.num_groups == 1 ? Ranking::logits
                                                                     : Ranking::selections;
}

/// A row of at most PerLane * kWave experts.
template <class Ctx, int PerLane, Ranking By>
struct RegisterRow {
  Ctx& ctx;
  const RouteParams& params;
  float logits[PerLane];
  float exponentials[PerLane];  // of a softmax
  std::uint32_t keys[PerLane];  // candidate keys, 0: no expert

  [[nodiscard]] SWITCHYARD_FN std::int32_t expert(int j) const {
    return j * Ctx::kWave + ctx.lane();
  }
  [[nodiscard]] SWITCHYARD_FN bool is_expert(int j) const { return expert(j) < params.num_experts; }

  SWITCHYARD_FN void load_row(std::int64_t token) {
    const std::int64_t first = token * params.num_experts;
    with_type_of(params.logits_dtype, [&](auto stored) {
      for (int j = 0; j < PerLane; ++j)
        logits[j] = is_expert(j) ? load<decltype(stored)>(params.router_logits, first + expert(j))
                                 : -kInfinity;
    });
  }

  /// RowScores::prepare_softmax over the row.
  SWITCHYARD_FN void prepare_softmax(RowScores<Ctx>& scores) {
    float best = -kInfinity;
    for (int j = 0; j < PerLane; ++j) {
      const float l = score_input(logits[j]);
      best = l > best ? l : best;
    }
    scores.set_best(best);
    float partial[kPartialsPerLane<Ctx>] = {};
    for (int j = 0; j < PerLane; ++j) {  // what is no expert adds 0
      exponentials[j] = scores.exponential(logits[j]);
      partial[j % kPartialsPerLane<Ctx>] += exponentials[j];
    }
    scores.sum = join_partials(ctx, partial);
  }

  SWITCHYARD_FN void rank(const RowScores<Ctx>& scores) {
    float selections[PerLane];
    for (int j = 0; j < PerLane; ++j) selections[j] = logits[j];
    if constexpr (By == Ranking::selections) select_by_scores(scores, selections);
    for (int j = 0; j < PerLane; ++j) keys[j] = is_expert(j) ? candidate_key(selections[j]) : 0U;
  }

  /// The keys of experts whose group is not kept become that of the fill. shared: [E], groups:
  /// [num_groups]; both of the wave's own.
  template <class Keys>
  SWITCHYARD_FN void drop_groups(RowScores<Ctx>& scores, Keys& shared, Keys& groups) {
    for (int j = 0; j < PerLane; ++j)
      if (is_expert(j)) shared[expert(j)] = keys[j];
    ctx.sync_wave();
    scores.keep_groups(shared, groups);
    const std::int32_t width = params.num_experts / params.num_groups;
    for (int j = 0; j < PerLane; ++j)
      if (is_expert(j) && groups[expert(j) / width] != 0U && !is_nan(logits[j]))
        keys[j] = scores.fill_key();
    ctx.sync_wave();
  }

  /// The K best, best first: chosen[k] = expert. The wave sees them.
  template <class Ids>
  SWITCHYARD_FN void select(Ids& chosen) const {
    const Queue all(keys);
    if (draw_untied(all, chosen)) draw_tied(all, chosen);
    ctx.sync_wave();
  }

  /// The number that `values` has for expert e; each lane may ask for another.
  [[nodiscard]] SWITCHYARD_FN float value_of(const float (&values)[PerLane], std::int32_t e) const {
    constexpr std::uint32_t kWave = Ctx::kWave;
    const auto id = static_cast<std::uint32_t>(e);
    float found = 0.0F;
    for (std::uint32_t j = 0; j < PerLane; ++j) {
      const float other = ctx.shuffle(values[j], static_cast<std::int32_t>(id % kWave));
      found = id / kWave == j ? other : found;
    }
    return found;
  }

 private:
  /// Scores, + the correction bias: RowScores::selection of the whole row, step by step, so that
  /// neither loads nor arithmetic wait for each other.
  SWITCHYARD_FN void select_by_scores(const RowScores<Ctx>& scores, float* selections) const {
    float bias[PerLane] = {};
    if (params.correction_bias != nullptr)
      for (int j = 0; j < PerLane; ++j)
        if (is_expert(j)) bias[j] = params.correction_bias[expert(j)];
    float own[PerLane];
    for (int j = 0; j < PerLane; ++j) own[j] = score_input(logits[j]);
    if (params.score == ScoreFunction::softmax)
      for (int j = 0; j < PerLane; ++j) own[j] = scores.softmax(own[j]);
    if (params.score == ScoreFunction::sigmoid)
      for (int j = 0; j < PerLane; ++j) own[j] = sigmoid(own[j]);
    for (int j = 0; j < PerLane; ++j) {
      const float biased = params.correction_bias == nullptr ? own[j] : own[j] + bias[j];
      selections[j] = is_nan(logits[j]) ? logits[j] : biased;
    }
  }

  static constexpr bool kSorts = PerLane <= 8;
  using Queue =
      std::conditional_t<kSorts, SortedQueue<kSorts ? PerLane : 8>, ScannedQueue<PerLane>>;

  /// Draws the K best as if no two lanes had the same key. Returns whether two had: then chosen is
  /// not what it should be.
  template <class Ids>
  [[nodiscard]] SWITCHYARD_FN bool draw_untied(Queue queue, Ids& chosen) const {
    if constexpr (kSorts) {
      std::uint32_t best = 0;
      SWITCHYARD_ROLLED
      for (std::int32_t k = 0; k < params.top_k; ++k) {
        best = ctx.largest(queue.key());
        queue.draw_if(queue.key() == best, k);
      }
      // Each tie is a draw too many, or leaves none for the last.
      if (best == 0 || num_draws(queue) != params.top_k) return true;
      queue.for_draws([&](std::int32_t k, int place) { chosen[k] = expert(place); });
      return false;
    } else {
      LaneMask<Ctx> tied = 0;
      SWITCHYARD_ROLLED
      for (std::int32_t k = 0; k < params.top_k; ++k) {
        const bool draws = queue.key() == ctx.largest(queue.key());
        const auto drawing = static_cast<LaneMask<Ctx>>(ctx.ballot(draws));
        tied |= drawing & (drawing - 1);
        if (draws && (drawing & static_cast<LaneMask<Ctx>>(lanes_below(ctx.lane()))) == 0)
          chosen[k] = expert(queue.place());
        queue.draw_if(draws, k);
      }
      return tied != 0;
    }
  }

  /// Of all lanes.
  [[nodiscard]] SWITCHYARD_FN std::int32_t num_draws(const Queue& queue) const {
    std::int32_t sum = 0;
    for (int bit = 0; 1 << bit <= PerLane; ++bit)
      sum += ctx.popcount(ctx.ballot((queue.count() >> bit & 1) != 0)) << bit;
    return sum;
  }

  /// Draws the K best; a tie goes to the lowest expert.
  template <class Ids>
  SWITCHYARD_FN void draw_tied(Queue queue, Ids& chosen) const {
    ctx.sync_wave();
    SWITCHYARD_ROLLED
    for (std::int32_t k = 0; k < params.top_k; ++k) {
      const bool best = queue.key() == ctx.largest(queue.key());
      const std::uint32_t id = ~static_cast<std::uint32_t>(expert(queue.place()));
      const bool draws = ctx.largest(best ? id : 0U) == id && best;
      if (draws) chosen[k] = expert(queue.place());
      queue.draw_if(draws, k);
    }
  }
};

}  // namespace switchyard::kernels::simt
