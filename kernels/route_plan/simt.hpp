// SPDX-License-Identifier: Apache-2.0
// The SIMT bodies of stage "route_plan". A tile of tokens is routed by one block, which also ranks
// its pairs within their experts and counts them. Few tokens are one tile, and the block goes on to
// the plan: one launch. Else a second launch sums the counts of the tiles before its own, in every
// block anew, and places the pairs; with many tiles a launch between the two does the sums once.
#pragma once

#include <string_view>
#include <utility>

#include "kernels/route_plan/params.hpp"
#include "kernels/route_plan/simt_place.hpp"
#include "kernels/route_plan/simt_tile.hpp"
#include "kernels/simt.hpp"
#include "switchyard/forward_path.hpp"

namespace switchyard::kernels::simt {

/// Experts of a lane, at most.
inline constexpr int kMaxPerLane = 16;

/// Whether the bodies can run a call on a device with such waves.
[[nodiscard]] inline bool route_plan_runs(const ForwardCall& call, int wave_size) noexcept {
  return call.config.num_experts <= std::int64_t{kMaxPerLane} * wave_size;
}

/// Rows of expert e in a word of counts.
[[nodiscard]] constexpr std::int32_t count_of(std::uint32_t word, std::int32_t e) noexcept {
  return static_cast<std::int32_t>((word >> (16 * (e % 2))) & 0xffffU);
}

/// The whole stage, for one tile.
template <int PerLane>
struct RoutePlanBlockBody {
  using Params = RoutePlanParams;
  static constexpr std::string_view kName = "route_plan_block";

  [[nodiscard]] static std::size_t block_bytes(const Params& params, std::int64_t waves) noexcept {
    return tile_router_bytes(params, waves) + placer_bytes(params.plan, waves) +
           shared_bytes<std::uint32_t>(count_words(params.plan.num_local_experts));
  }

  template <class Ctx>
  SWITCHYARD_FN static void run(Ctx& ctx, const Params& params) {
    TileRouter<Ctx, PerLane> router(ctx, params);
    Placer<Ctx> placer(ctx, params.plan);
    const std::int32_t words = count_words(router.experts);
    auto counts = ctx.template shared<std::uint32_t>(words);
    router.route(0);
    SWITCHYARD_ROLLED
    for (std::int32_t w = ctx.thread(); w < words; w += ctx.num_threads())
      counts[w] = router.close_counts(w);
    ctx.sync();
    placer.scan([&](std::int32_t e) { return count_of(counts[e / 2], e); }, true);
    SWITCHYARD_ROLLED
    for (std::int32_t i = ctx.thread(); i < router.live_pairs(0); i += ctx.num_threads()) {
      const std::int32_t e = router.ids[i];
      placer.place(i, e, e < 0 ? 0 : router.rank(i));
    }
    placer.fill_rest(ctx.thread(), ctx.num_threads());
  }
};

/// One block per tile: ids, weights and counts; pairs_by_token gets the rank in the tile.
template <int PerLane>
struct RouteTileBody {
  using Params = RoutePlanParams;
  static constexpr std::string_view kName = "route_tile";

  [[nodiscard]] static std::size_t block_bytes(const Params& params, std::int64_t waves) noexcept {
    return tile_router_bytes(params, waves);
  }

  template <class Ctx>
  SWITCHYARD_FN static void run(Ctx& ctx, const Params& params) {
    TileRouter<Ctx, PerLane> router(ctx, params);
    const std::int32_t words = count_words(router.experts);
    const std::int64_t first = ctx.block() * router.tile_size;
    router.route(first);
    SWITCHYARD_ROLLED
    for (std::int32_t w = ctx.thread(); w < words; w += ctx.num_threads())
      params.plan.scratch[ctx.block() * words + w] =
          static_cast<std::int32_t>(router.close_counts(w));
    ctx.sync();
    PackedRow* const ranks = params.plan.pairs_by_token + first * router.top_k;
    SWITCHYARD_ROLLED
    for (std::int32_t i = ctx.thread(); i < router.live_pairs(first); i += ctx.num_threads())
      ranks[i] = std::int32_t{router.ids[i]} < 0 ? kSkippedPair : PackedRow{router.rank(i)};
  }
};

/// The counts of all tiles, and what follows from them.
struct TileCounts {
  const PlanParams& plan;
  const std::int32_t tiles;
  const std::int32_t words;

  SWITCHYARD_FN explicit TileCounts(const PlanParams& plan_in)
      : plan(plan_in),
        tiles(route_plan_tiles(plan_in.num_tokens, plan_in.top_k)),
        words(count_words(plan_in.num_local_experts)) {}

  [[nodiscard]] SWITCHYARD_FN std::uint32_t word(std::int32_t tile, std::int32_t w) const {
    return static_cast<std::uint32_t>(plan.scratch[std::int64_t{tile} * words + w]);
  }
  /// [experts] where tile `tile` starts within each expert; number `tiles`: rows of each expert.
  /// There are such where there are many tiles.
  [[nodiscard]] SWITCHYARD_FN std::int32_t* starts(std::int32_t tile) const {
    return plan.scratch + std::int64_t{tiles} * words + std::int64_t{tile} * plan.num_local_experts;
  }
};

/// Many tiles: one wave per expert turns its counts into TileCounts::starts.
struct ScanTilesBody {
  using Params = RoutePlanParams;
  static constexpr std::string_view kName = "scan_tiles";

  template <class Ctx>
  SWITCHYARD_FN static void run(Ctx& ctx, const Params& params) {
    const TileCounts counts(params.plan);
    const std::int64_t step = ctx.num_blocks() * ctx.num_waves();
    SWITCHYARD_ROLLED
    for (std::int64_t i = ctx.block() * ctx.num_waves() + ctx.wave();
         i < params.plan.num_local_experts; i += step) {
      const auto e = static_cast<std::int32_t>(i);
      const std::int32_t rows = wave_scan(
          ctx, counts.tiles,
          [&](std::int32_t tile) { return count_of(counts.word(tile, e / 2), e); },
          [&](std::int32_t tile, std::int32_t sum) { counts.starts(tile)[e] = sum; });
      if (ctx.lane() == 0) counts.starts(counts.tiles)[e] = rows;
    }
  }
};

/// One block per tile: places its pairs, and does its share of what no pair is placed at.
struct PlaceTileBody {
  using Params = RoutePlanParams;
  static constexpr std::string_view kName = "place_tile";

  /// Threads that share a word of the sums over tiles.
  [[nodiscard]] static constexpr std::int32_t parts(std::int32_t words,
                                                    std::int32_t threads) noexcept {
    return words < threads ? threads / words : 1;
  }
  [[nodiscard]] static std::size_t block_bytes(const Params& params, std::int64_t waves,
                                               int wave_size) noexcept {
    const std::int32_t words = count_words(params.plan.num_local_experts);
    const auto threads = static_cast<std::int32_t>(waves) * wave_size;
    return placer_bytes(params.plan, waves) +
           2 * shared_bytes<SumPair>(std::int64_t{words} * parts(words, threads));
  }

  template <class Ctx>
  SWITCHYARD_FN static void run(Ctx& ctx, const Params& params) {
    const PlanParams& plan = params.plan;
    const TileCounts counts(plan);
    const std::int32_t sharers = parts(counts.words, ctx.num_threads());
    const auto tile = static_cast<std::int32_t>(ctx.block());
    Placer<Ctx> placer(ctx, plan);
    auto rows = ctx.template shared<SumPair>(std::int64_t{counts.words} * sharers);
    auto before = ctx.template shared<SumPair>(std::int64_t{counts.words} * sharers);
    const bool few = counts.tiles <= kFewTiles;
    if (few) {
      SWITCHYARD_ROLLED
      for (std::int32_t i = ctx.thread(); i < counts.words * sharers; i += ctx.num_threads())
        sum_tiles(counts, tile, sharers, i, rows, before);
    } else {
      SWITCHYARD_ROLLED
      for (std::int32_t w = ctx.thread(); w < counts.words; w += ctx.num_threads()) {
        rows[w] = pair_at(counts.starts(counts.tiles), w, placer.experts);
        before[w] = pair_at(counts.starts(tile), w, placer.experts);
      }
    }
    ctx.sync();
    const std::int32_t sums = few ? sharers : 1;
    const auto total = [&](const auto& of, std::int32_t e) {
      std::int32_t sum = 0;
      for (std::int32_t part = 0; part < sums; ++part) {
        const SumPair both = of[part * counts.words + e / 2];
        sum += e % 2 == 0 ? both.first : both.second;
      }
      return sum;
    };
    placer.scan([&](std::int32_t e) { return total(rows, e); }, tile == 0);

    const std::int32_t tile_pairs = tile_tokens(plan.num_tokens, plan.top_k) * plan.top_k;
    const std::int64_t first = std::int64_t{tile} * tile_pairs;
    const std::int64_t live =
        std::int64_t{live_count(plan.live_tokens, plan.num_tokens)} * plan.top_k;
    SWITCHYARD_ROLLED
    for (std::int64_t pair = first + ctx.thread(); pair < first + tile_pairs && pair < live;
         pair += ctx.num_threads()) {
      const std::int32_t e = local_expert(plan, value_of(plan.selected_ids[pair]));
      const std::int32_t rank = value_of(plan.pairs_by_token[pair]);
      placer.place(pair, e, e < 0 ? 0 : total(before, e) + rank);
    }
    placer.fill_rest(std::int64_t{tile} * ctx.num_threads() + ctx.thread(),
                     ctx.num_blocks() * ctx.num_threads());
  }

 private:
  /// Number i of the partial sums: those of word i % words over every sharers-th tile.
  template <class Sums>
  SWITCHYARD_FN static void sum_tiles(const TileCounts& counts, std::int32_t own_tile,
                                      std::int32_t sharers, std::int32_t i, Sums& rows,
                                      Sums& before) {
    constexpr int kAtOnce = 8;
    const std::int32_t w = i % counts.words;
    SumPair all{0, 0};
    SumPair below{0, 0};
    SWITCHYARD_ROLLED
    for (std::int32_t base = i / counts.words; base < counts.tiles; base += kAtOnce * sharers) {
      std::uint32_t loaded[kAtOnce];
      for (int j = 0; j < kAtOnce; ++j) {
        const std::int32_t tile = base + j * sharers;
        loaded[j] = tile < counts.tiles ? counts.word(tile, w) : 0U;
      }
      for (int j = 0; j < kAtOnce; ++j) {
        const SumPair own{count_of(loaded[j], 0), count_of(loaded[j], 1)};
        all = all + own;
        if (base + j * sharers < own_tile) below = below + own;
      }
    }
    rows[i] = all;
    before[i] = below;
  }

  [[nodiscard]] SWITCHYARD_FN static SumPair pair_at(const std::int32_t* values, std::int32_t w,
                                                     std::int32_t count) {
    return {values[2 * w], 2 * w + 1 < count ? values[2 * w + 1] : 0};
  }
};

/// Calls launch.template operator()<Body>(shape, params) for every launch of the stage.
template <int PerLane, class Launch>
void launch_route_plan(const RoutePlanParams& params, int wave_size, Launch&& launch) {
  const std::int64_t tiles = route_plan_tiles(params.plan.num_tokens, params.plan.top_k);
  const auto shape_of = [&](std::int64_t blocks, auto bytes_with) {
    std::int32_t waves = kMaxThreads / wave_size;
    while (waves > 1 && bytes_with(waves) > kMaxSharedBytes) waves /= 2;
    return LaunchShape{blocks, waves * wave_size, bytes_with(waves)};
  };
  if (tiles == 1) {
    launch.template operator()<RoutePlanBlockBody<PerLane>>(
        shape_of(1,
                 [&](std::int32_t waves) {
                   return RoutePlanBlockBody<PerLane>::block_bytes(params, waves);
                 }),
        params);
    return;
  }
  launch.template operator()<RouteTileBody<PerLane>>(
      shape_of(
          tiles,
          [&](std::int32_t waves) { return RouteTileBody<PerLane>::block_bytes(params, waves); }),
      params);
  if (tiles > kFewTiles) {
    const std::int64_t waves = kMaxThreads / wave_size;
    launch.template operator()<ScanTilesBody>(
        LaunchShape{ceil_div(params.plan.num_local_experts, waves), kMaxThreads, 0}, params);
  }
  launch.template operator()<PlaceTileBody>(
      shape_of(
          tiles,
          [&](std::int32_t waves) { return PlaceTileBody::block_bytes(params, waves, wave_size); }),
      params);
}

template <class Launch>
void launch_all(const RoutePlanParams& params, int wave_size, Launch&& launch) {
  const std::int64_t per_lane = ceil_div(params.route.num_experts, wave_size);
  if (per_lane <= 4) return launch_route_plan<4>(params, wave_size, launch);
  if (per_lane <= 8) return launch_route_plan<8>(params, wave_size, launch);
  launch_route_plan<kMaxPerLane>(params, wave_size, launch);
}

}  // namespace switchyard::kernels::simt
