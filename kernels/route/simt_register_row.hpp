// SPDX-License-Identifier: Apache-2.0
// One token's logits in the registers of a wave: expert e is number e / kWave of lane e % kWave.
// The same choice and the same bits as RouteBody, without a pass over shared memory per expert
// chosen.
#pragma once

#include "kernels/math.hpp"
#include "kernels/route/params.hpp"
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
  std::uint32_t keys[PerLane];  // candidate keys, 0: taken, or no expert

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
  SWITCHYARD_FN void prepare_softmax(RowScores<Ctx>& scores) const {
    float best = -kInfinity;
    for (int j = 0; j < PerLane; ++j) {
      const float l = score_input(logits[j]);
      best = l > best ? l : best;
    }
    scores.best = number_of_order_key(ctx.largest(order_key(best)));
    float partial[kPartialsPerLane<Ctx>] = {};
    for (int j = 0; j < PerLane; ++j)  // what is no expert adds 0
      partial[j % kPartialsPerLane<Ctx>] += scores.exponential(logits[j]);
    scores.sum = join_partials(ctx, partial);
  }

  SWITCHYARD_FN void rank(const RowScores<Ctx>& scores) {
    for (int j = 0; j < PerLane; ++j) {
      float selection = logits[j];
      if constexpr (By == Ranking::selections)
        selection = is_expert(j) ? scores.selection(selection, expert(j)) : 0.0F;
      keys[j] = is_expert(j) ? candidate_key(selection) : 0U;
    }
  }

  /// Replaces the keys by those that `drop` leaves of them: drop gets and changes [E] keys that
  /// the wave shares.
  template <class Keys, class Drop>
  SWITCHYARD_FN void pass_keys(Keys& shared, Drop drop) {
    for (int j = 0; j < PerLane; ++j)
      if (is_expert(j)) shared[expert(j)] = keys[j];
    ctx.sync_wave();
    drop(shared);
    for (int j = 0; j < PerLane; ++j)
      if (is_expert(j)) keys[j] = shared[expert(j)];
    ctx.sync_wave();
  }

  /// The K best, best first: chosen[k] = expert. The wave sees them.
  template <class Ids>
  SWITCHYARD_FN void select(Ids& chosen) {
    for (std::int32_t k = 0; k < params.top_k; ++k) {
      std::uint32_t own = keys[0];
      for (int j = 1; j < PerLane; ++j) own = keys[j] > own ? keys[j] : own;
      const std::uint32_t best = ctx.largest(own);
      int place = 0;  // the first of this lane's that has the best key
      for (int j = PerLane - 1; j >= 0; --j)
        if (keys[j] == best) place = j;
      bool takes = own == best;
      if (ctx.popcount(ctx.ballot(takes)) > 1) {  // a tie goes to the lowest expert
        const std::uint32_t id = ~static_cast<std::uint32_t>(expert(place));
        const std::uint32_t lowest = ctx.largest(takes ? id : 0U);
        takes = takes && lowest == id;
      }
      if (takes) chosen[k] = expert(place);
      for (int j = 0; j < PerLane; ++j) {
        const bool taken = takes && keys[j] == best;
        keys[j] = taken ? 0U : keys[j];
        takes = takes && !taken;
      }
    }
    ctx.sync_wave();
  }
};

}  // namespace switchyard::kernels::simt
