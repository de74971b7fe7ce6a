// SPDX-License-Identifier: Apache-2.0
// One token's logits in the registers of a wave: expert e is number e / kWave of lane e % kWave.
// The same choice and the same bits as RouteBody, without a pass over shared memory per expert
// chosen.
#pragma once

#include <cstdint>

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

  /// What rank leaves, from memory.
  template <class Keys>
  SWITCHYARD_FN void take_keys(const Keys& from) {
    for (int j = 0; j < PerLane; ++j) keys[j] = is_expert(j) ? from[expert(j)] : 0U;
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
    if (!draw_words(chosen)) draw_keys(chosen);
    ctx.sync_wave();
  }

  /// What `values` has for expert e; each lane may ask for another.
  template <class Value>
  [[nodiscard]] SWITCHYARD_FN Value value_of(const Value (&values)[PerLane], std::int32_t e) const {
    constexpr std::uint32_t kWave = Ctx::kWave;
    const auto id = static_cast<std::uint32_t>(e);
    Value found{};
    for (std::uint32_t j = 0; j < PerLane; ++j) {
      const Value other = ctx.shuffle(values[j], static_cast<std::int32_t>(id % kWave));
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

  /// Of any row. One less than a power of two, as the experts' bits of a word.
  static constexpr std::uint32_t kLastExpert = PerLane * Ctx::kWave - 1;
  static_assert((kLastExpert & (kLastExpert + 1)) == 0);

  /// Draws the K best by words that are distinct: the upper bits of a key, then the expert, the
  /// lowest the greatest. Where upper bits are alike, draws are put in the order of their keys
  /// afterwards. Returns whether lanes were enough for that; chosen is set if so.
  template <class Ids>
  [[nodiscard]] SWITCHYARD_FN bool draw_words(Ids& chosen) const {
    const std::int32_t top_k = params.top_k;
    if (top_k > Ctx::kWave) return false;
    std::uint32_t words[PerLane];
    for (int j = 0; j < PerLane; ++j) {
      const std::uint32_t place = kLastExpert - static_cast<std::uint32_t>(expert(j));
      words[j] = is_expert(j) ? (keys[j] & ~kLastExpert) | place : 0U;
    }
    SortedKeys<PerLane> queue(words);
    std::uint32_t drawn = 0;  // by lane k: draw number k
    std::uint32_t best = 0;   // the last draw
    const auto draw = [&](std::int32_t k) {
      best = ctx.largest(queue.key());
      drawn = ctx.lane() == k ? best : drawn;
      queue.draw_if(queue.key() == best);
    };
    std::int32_t k = 0;
    SWITCHYARD_ROLLED
    for (; k + 1 < top_k; k += 2) {
      draw(k);
      draw(k + 1);
    }
    if (k < top_k) draw(k);
    if (lower_bits_count()) {
      std::int32_t count = top_k;
      SWITCHYARD_ROLLED
      for (; ctx.ballot(is_close(queue.key(), best)) != 0; ++count) {
        if (count == Ctx::kWave) return false;
        draw(count);
      }
      order_draws(drawn, count);
    }
    if (ctx.lane() < top_k) chosen[ctx.lane()] = expert_of(drawn);
    return true;
  }

  [[nodiscard]] static SWITCHYARD_FN bool is_close(std::uint32_t word, std::uint32_t other) {
    return (word ^ other) <= kLastExpert;
  }
  [[nodiscard]] static SWITCHYARD_FN std::int32_t expert_of(std::uint32_t word) {
    return static_cast<std::int32_t>(kLastExpert - (word & kLastExpert));
  }

  /// Puts `count` draws, of a lane each, in the order of their keys: neighbours trade places.
  SWITCHYARD_FN void order_draws(std::uint32_t& drawn, std::int32_t count) const {
    const std::uint32_t next = ctx.shuffle(drawn, (ctx.lane() + 1) % Ctx::kWave);
    if (ctx.ballot(ctx.lane() + 1 < count && is_close(drawn, next)) == 0) return;
    struct Draw {
      std::uint32_t key;
      std::uint32_t word;
    };
    Draw own{value_of(keys, expert_of(drawn)), drawn};
    bool trade = true;
    SWITCHYARD_ROLLED
    while (trade) {
      trade = false;
      SWITCHYARD_ROLLED
      for (std::int32_t odd = 0; odd < 2; ++odd) {
        const std::int32_t partner = ((ctx.lane() + odd) ^ 1) - odd;
        const bool has_partner = partner >= 0 && partner < count && ctx.lane() < count;
        const Draw other = ctx.shuffle(own, has_partner ? partner : ctx.lane());
        const bool is_better = other.key != own.key ? other.key > own.key : other.word > own.word;
        const bool trades = has_partner && is_better == (partner > ctx.lane());
        own = trades ? other : own;
        trade = ctx.ballot(trades) != 0 || trade;
      }
    }
    drawn = own.word;
  }

  /// Whether keys that have their upper bits alike may differ: not those of 16-bit numbers.
  [[nodiscard]] SWITCHYARD_FN bool lower_bits_count() const {
    static_assert(kLastExpert < 1U << 13U);
    return By == Ranking::selections || params.logits_dtype == DType::f32;
  }

  /// Draws the K best; a tie goes to the lowest expert.
  template <class Ids>
  SWITCHYARD_FN void draw_keys(Ids& chosen) const {
    ScannedQueue<PerLane> queue(keys);
    SWITCHYARD_ROLLED
    for (std::int32_t k = 0; k < params.top_k; ++k) {
      const bool best = queue.key() == ctx.largest(queue.key());
      const std::uint32_t id = ~static_cast<std::uint32_t>(expert(queue.place()));
      const bool draws = ctx.largest(best ? id : 0U) == id && best;
      if (draws) chosen[k] = expert(queue.place());
      queue.draw_if(draws);
    }
  }
};

}  // namespace switchyard::kernels::simt
