// SPDX-License-Identifier: Apache-2.0
// A tile of tokens in a block's shared memory: the experts that its tokens choose, and for each
// pair how many pairs of the same expert its wave had before it. Each step is one wave's, for one
// token; who takes which step when is for a tile router to say.
#pragma once

#include <utility>

#include "kernels/elements.hpp"
#include "kernels/route/simt_token_router.hpp"
#include "kernels/route_plan/params.hpp"
#include "kernels/simt.hpp"

namespace switchyard::kernels::simt {

/// Experts of a lane, at most, where one wave plans fastest alone.
inline constexpr int kFewExpertsPerLane = 4;

/// The local expert of an id, or -1: its pair is skipped.
[[nodiscard]] SWITCHYARD_FN inline std::int32_t local_expert(const PlanParams& plan,
                                                             std::int32_t id) {
  if (id < 0 || id >= plan.num_experts) return -1;
  const std::int32_t local = plan.expert_map == nullptr ? id : plan.expert_map[id];
  return local < plan.num_local_experts ? local : -1;
}

/// Shared memory of a ChosenTile with so many waves.
[[nodiscard]] constexpr std::size_t chosen_tile_bytes(const RoutePlanParams& params,
                                                      std::int64_t waves) noexcept {
  const std::int64_t pairs = params.tiles.tokens * params.plan.top_k;
  const bool grouped = params.route.num_groups > 1;
  return shared_bytes<std::int32_t>(pairs) +
         shared_bytes<std::uint32_t>(grouped ? waves * params.route.num_experts : 0) +
         shared_bytes<std::uint32_t>(grouped ? waves * params.route.num_groups : 0);
}

/// Shared memory of a RoutedTile with so many waves.
[[nodiscard]] constexpr std::size_t routed_tile_bytes(const RoutePlanParams& params,
                                                      std::int64_t waves) noexcept {
  const std::int64_t pairs = params.tiles.tokens * params.plan.top_k;
  return chosen_tile_bytes(params, waves) + 2 * shared_bytes<std::int32_t>(pairs) +
         shared_bytes<std::int32_t>(waves * params.plan.num_local_experts);
}

/// Where a pair of a tile is: packed into a word.
struct PairPlace {
  std::uint32_t word;

  [[nodiscard]] static constexpr PairPlace of(std::int32_t rank, std::int32_t wave,
                                              std::int32_t token) noexcept {
    return {static_cast<std::uint32_t>(rank | wave << 16 | token << 24)};
  }
  /// Among the pairs of its expert in its wave.
  [[nodiscard]] constexpr std::int32_t rank() const noexcept {
    return static_cast<std::int32_t>(word & 0xffffU);
  }
  [[nodiscard]] constexpr std::int32_t wave() const noexcept {
    return static_cast<std::int32_t>(word >> 16 & 0xffU);
  }
  /// Of the tile.
  [[nodiscard]] constexpr std::int32_t token() const noexcept {
    return static_cast<std::int32_t>(word >> 24);
  }
};
static_assert(kMaxTilePairs <= 0xffff && kMaxThreads / 8 <= 0xff);

/// What the tokens of a tile choose. Rows of experts are at most PerLane * kWave wide.
template <class Ctx, int PerLane, Ranking By>
struct ChosenTile {
  template <class T>
  using Shared = decltype(std::declval<Ctx&>().template shared<T>(0));
  using Router = TokenRouter<Ctx, PerLane, By>;

  Ctx& ctx;
  const RoutePlanParams& params;
  const std::int32_t top_k;
  Shared<std::int32_t> chosen;   // [tile pairs] expert
  Shared<std::uint32_t> keys;    // [waves, E] where there are groups
  Shared<std::uint32_t> groups;  // [waves, num_groups] where there are

  SWITCHYARD_FN ChosenTile(Ctx& ctx_in, const RoutePlanParams& params_in)
      : ctx(ctx_in),
        params(params_in),
        top_k(params_in.plan.top_k),
        chosen(ctx.template shared<std::int32_t>(params_in.tiles.tokens * top_k)),
        keys(ctx.template shared<std::uint32_t>(grouped() ? ctx.num_waves() * num_experts() : 0)),
        groups(ctx.template shared<std::uint32_t>(
            grouped() ? ctx.num_waves() * params.route.num_groups : 0)) {}

  [[nodiscard]] SWITCHYARD_FN bool grouped() const {
    return By == Ranking::selections && params.route.num_groups > 1;
  }
  [[nodiscard]] SWITCHYARD_FN std::int32_t num_experts() const { return params.route.num_experts; }
  /// Live tokens of the tile whose first token is `first`.
  [[nodiscard]] SWITCHYARD_FN std::int32_t live_tokens(std::int32_t first) const {
    const std::int32_t left = live_count(params.plan.live_tokens, params.plan.num_tokens) - first;
    return left < 0 ? 0 : (left < params.tiles.tokens ? left : params.tiles.tokens);
  }

  /// Token `i` of the tile, which the router has loaded, gets its experts.
  SWITCHYARD_FN void select(Router& router, std::int32_t i) {
    auto ids = chosen.offset(i * top_k);
    router.select(ids, keys.offset(grouped() ? ctx.wave() * num_experts() : 0),
                  groups.offset(grouped() ? ctx.wave() * params.route.num_groups : 0));
  }

  /// Token `i` of the tile, number `token` of the call, leaves its experts and their weights.
  SWITCHYARD_FN void weigh(Router& router, std::int64_t token, std::int32_t i) {
    const std::int64_t pairs = token * top_k;
    router.weigh(chosen.offset(i * top_k), [&](std::int32_t k, std::int32_t e, float weight) {
      params.plan.selected_ids[pairs + k] = ExpertId{e};
      params.plan.pair_weights[pairs + k] = weight;
    });
  }
};

/// A ChosenTile whose pairs are counted by waves.
template <class Ctx, int PerLane, Ranking By>
struct RoutedTile : ChosenTile<Ctx, PerLane, By> {
  using Chosen = ChosenTile<Ctx, PerLane, By>;
  using Chosen::chosen;
  using Chosen::ctx;
  using Chosen::params;
  using Chosen::top_k;
  template <class T>
  using Shared = typename Chosen::template Shared<T>;

  const std::int32_t experts;    // local
  Shared<std::int32_t> locals;   // [tile pairs] local expert, -1: skipped
  Shared<PairPlace> places;      // [tile pairs]
  Shared<std::int32_t> cursors;  // [waves, experts] pairs so far

  SWITCHYARD_FN RoutedTile(Ctx& ctx_in, const RoutePlanParams& params_in)
      : Chosen(ctx_in, params_in),
        experts(params.plan.num_local_experts),
        locals(ctx.template shared<std::int32_t>(params.tiles.tokens * top_k)),
        places(ctx.template shared<PairPlace>(params.tiles.tokens * top_k)),
        cursors(ctx.template shared<std::int32_t>(ctx.num_waves() * experts)) {}

  [[nodiscard]] SWITCHYARD_FN bool is_given() const { return params.given_ids != nullptr; }
  /// Waves that choose for some of the tile's first `tokens` tokens.
  [[nodiscard]] SWITCHYARD_FN std::int32_t busy_waves(std::int32_t tokens) const {
    return (tokens + (1 << params.tiles.wave_token_bits) - 1) >> params.tiles.wave_token_bits;
  }

  /// Comes before any count.
  SWITCHYARD_FN void clear_cursors() {
    SWITCHYARD_ROLLED
    for (std::int32_t e = ctx.lane(); e < experts; e += Ctx::kWave)
      cursors[ctx.wave() * experts + e] = 0;
    ctx.sync_wave();
  }

  /// In place of select and weigh where the caller chose.
  SWITCHYARD_FN void copy_given(std::int64_t token, std::int32_t i) {
    SWITCHYARD_ROLLED
    for (std::int32_t k = ctx.lane(); k < top_k; k += Ctx::kWave) {
      const ExpertId id = params.given_ids[token * top_k + k];
      params.plan.selected_ids[token * top_k + k] = id;
      params.plan.pair_weights[token * top_k + k] = params.given_weights[token * top_k + k];
      chosen[i * top_k + k] = value_of(id);
    }
  }

  /// The pairs of token `i` of the tile get their local experts and their places. Routed experts of
  /// a token are distinct; given ones, or what a map makes of them, may not be.
  SWITCHYARD_FN void count(std::int32_t i) {
    auto own = cursors.offset(ctx.wave() * experts);
    const std::int32_t first = i * top_k;
    if (!is_given() && params.plan.expert_map == nullptr) {
      SWITCHYARD_ROLLED
      for (std::int32_t k = first + ctx.lane(); k < first + top_k; k += Ctx::kWave) {
        const std::int32_t e = chosen[k];
        const std::int32_t before = own[e];
        own[e] = before + 1;
        locals[k] = e;
        places[k] = PairPlace::of(before, ctx.wave(), i);
      }
      ctx.sync_wave();
      return;
    }
    const int bits = bits_for(experts);
    SWITCHYARD_ROLLED
    for (std::int32_t base = 0; base < top_k; base += Ctx::kWave) {
      const std::int32_t k = base + ctx.lane();
      const std::int32_t e = k < top_k ? local_expert(params.plan, chosen[first + k]) : -1;
      const std::int32_t start = e < 0 ? 0 : std::int32_t{own[e]};
      const std::uint64_t same = wave_match(ctx, e >= 0, static_cast<std::uint32_t>(e), bits);
      const int before = ctx.popcount(same & lanes_below(ctx.lane()));
      ctx.sync_wave();
      if (e >= 0 && before == 0) own[e] = start + ctx.popcount(same);
      if (k < top_k) {
        locals[first + k] = e;
        places[first + k] = PairPlace::of(start + before, ctx.wave(), i);
      }
      ctx.sync_wave();
    }
  }

  /// The pairs of expert e that the first `waves` waves counted. visit(w, before) is told of each
  /// wave how many the waves before it counted; it may put that in the place of the wave's own.
  template <class Visit>
  [[nodiscard]] SWITCHYARD_FN std::int32_t count_in(std::int32_t e, std::int32_t waves,
                                                    Visit visit) const {
    constexpr int kAtOnce = 4;
    std::int32_t sum = 0;
    SWITCHYARD_ROLLED
    for (std::int32_t base = 0; base < waves; base += kAtOnce) {
      std::int32_t own[kAtOnce];
      for (int j = 0; j < kAtOnce; ++j)
        own[j] = base + j < waves ? std::int32_t{cursors[(base + j) * experts + e]} : 0;
      for (int j = 0; j < kAtOnce; ++j) {
        if (base + j < waves) visit(base + j, sum);
        sum += own[j];
      }
    }
    return sum;
  }
};

}  // namespace switchyard::kernels::simt
