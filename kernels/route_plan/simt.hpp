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

/// By the first block.
template <class Ctx>
SWITCHYARD_FN void clear_counters(Ctx& ctx, const RoutePlanParams& params) {
  if (params.counters == nullptr || ctx.block() > 0 || ctx.thread() >= kNumStageCounters) return;
  params.counters[ctx.thread()] = 0;
}

/// The whole stage, for one tile.
template <int PerLane, Ranking By>
struct RoutePlanBlockBody {
  using Params = RoutePlanParams;
  static constexpr std::string_view kName = "route_plan_block";

  [[nodiscard]] static std::size_t block_bytes(const Params& params, std::int64_t waves) noexcept {
    return tile_router_bytes(params, waves) + placer_bytes(params.plan, waves) +
           shared_bytes<std::int32_t>(params.plan.num_local_experts);
  }

  template <class Ctx>
  SWITCHYARD_FN static void run(Ctx& ctx, const Params& params) {
    TileRouter<Ctx, PerLane, By> router(ctx, params);
    Placer<Ctx> placer(ctx, params.plan);
    auto rows = ctx.template shared<std::int32_t>(router.experts);
    router.route(0);
    const std::int32_t waves = router.busy_waves(0);
    SWITCHYARD_ROLLED
    for (std::int32_t e = ctx.thread(); e < router.experts; e += ctx.num_threads())
      rows[e] = router.close_count(e, waves);
    ctx.sync();
    placer.scan([&](std::int32_t e) { return std::int32_t{rows[e]}; }, true);

    // A thread per place of a block: the first places a pair, the others pad where it is the last
    // of its expert.
    const std::int32_t pairs = router.live_pairs(0);
    SWITCHYARD_ROLLED
    for (std::int32_t i = ctx.thread(); i < pairs << placer.block_bits; i += ctx.num_threads()) {
      const std::int32_t pair = i >> placer.block_bits;
      const std::int32_t place = i & (params.plan.block_size - 1);
      const std::int32_t e = router.ids[pair];
      const PairPlace at = router.places[pair];
      const std::int32_t rank = e < 0 ? 0 : router.rank(e, at);
      if (place == 0) placer.place(pair, at.token(), e, rank);
      if (place != 0 && e >= 0 && rank + 1 == std::int32_t{rows[e]}) placer.pad(e, place);
    }
    placer.fill_tails(ctx.thread(), ctx.num_threads());
    clear_counters(ctx, params);
  }
};

/// One block per tile: ids, weights and counts; pairs_by_token gets the rank in the tile.
template <int PerLane, Ranking By>
struct RouteTileBody {
  using Params = RoutePlanParams;
  static constexpr std::string_view kName = "route_tile";

  [[nodiscard]] static std::size_t block_bytes(const Params& params, std::int64_t waves) noexcept {
    return tile_router_bytes(params, waves);
  }

  template <class Ctx>
  SWITCHYARD_FN static void run(Ctx& ctx, const Params& params) {
    TileRouter<Ctx, PerLane, By> router(ctx, params);
    const std::int32_t words = count_words(router.experts);
    const std::int64_t first = ctx.block() * router.tile_size;
    router.route(first);
    const std::int32_t waves = router.busy_waves(first);
    SWITCHYARD_ROLLED
    for (std::int32_t base = 0; base < router.experts; base += ctx.num_threads()) {
      const std::int32_t e = base + ctx.thread();
      const std::int32_t own = e < router.experts ? router.close_count(e, waves) : 0;
      const std::int32_t next = ctx.shuffle(own, ctx.lane() | 1);
      if (e < router.experts && e % 2 == 0)
        params.plan.scratch[ctx.block() * words + e / 2] = own | next << 16;
    }
    ctx.sync();
    PackedRow* const ranks = params.plan.pairs_by_token + first * router.top_k;
    SWITCHYARD_ROLLED
    for (std::int32_t i = ctx.thread(); i < router.live_pairs(first); i += ctx.num_threads()) {
      const std::int32_t e = router.ids[i];
      ranks[i] = e < 0 ? kSkippedPair : PackedRow{router.rank(e, router.places[i])};
    }
    clear_counters(ctx, params);
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

/// Places the pairs of some tiles in a row, and does its share of what no pair is placed at.
struct PlaceTilesBody {
  using Params = RoutePlanParams;
  static constexpr std::string_view kName = "place_tiles";

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
    const std::int32_t own_tiles = tiles_per_placer(counts.tiles);
    const auto first_tile = static_cast<std::int32_t>(ctx.block()) * own_tiles;
    Placer<Ctx> placer(ctx, plan);
    auto rows = ctx.template shared<SumPair>(std::int64_t{counts.words} * sharers);
    auto before = ctx.template shared<SumPair>(std::int64_t{counts.words} * sharers);
    const bool few = counts.tiles <= kFewTiles;
    const PairReader pairs(plan);
    auto next = pairs.read(first_tile, ctx.thread());  // ahead of the counts that it waits for
    if (few) {
      SWITCHYARD_ROLLED
      for (std::int32_t i = ctx.thread(); i < counts.words * sharers; i += ctx.num_threads())
        sum_tiles(counts, first_tile, sharers, i, rows, before);
    } else {
      SWITCHYARD_ROLLED
      for (std::int32_t w = ctx.thread(); w < counts.words; w += ctx.num_threads()) {
        rows[w] = pair_at(counts.starts(counts.tiles), w, placer.experts);
        before[w] = pair_at(counts.starts(first_tile), w, placer.experts);
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
    placer.scan([&](std::int32_t e) { return total(rows, e); }, ctx.block() == 0);

    for (std::int32_t tile = first_tile; tile < first_tile + own_tiles && tile < counts.tiles;
         ++tile) {
      if (tile > first_tile) {
        ctx.sync();
        SWITCHYARD_ROLLED
        for (std::int32_t w = ctx.thread(); w < counts.words; w += ctx.num_threads()) {
          const std::uint32_t word = counts.word(tile - 1, w);
          const SumPair so_far = before[w];
          before[w] = so_far + SumPair{count_of(word, 0), count_of(word, 1)};
        }
        ctx.sync();
        next = pairs.read(tile, ctx.thread());
      }
      SWITCHYARD_ROLLED
      for (std::int32_t i = ctx.thread(); i < pairs.live(tile); i += ctx.num_threads()) {
        if (i != ctx.thread()) next = pairs.read(tile, i);
        const std::int32_t pair = tile * pairs.tile_pairs + i;
        const std::int32_t e = local_expert(plan, next.id);
        placer.place(pair, pair / plan.top_k, e, e < 0 ? 0 : total(before, e) + next.rank);
      }
    }
    const std::int64_t thread = ctx.block() * ctx.num_threads() + ctx.thread();
    placer.pad_all(thread, ctx.num_blocks() * ctx.num_threads());
    placer.fill_tails(thread, ctx.num_blocks() * ctx.num_threads());
  }

 private:
  /// What RouteTileBody left of the pairs of a tile.
  struct PairReader {
    struct Pair {
      std::int32_t id;    // of an expert, as it was chosen
      std::int32_t rank;  // in the tile
    };
    const PlanParams& plan;
    const std::int32_t tile_pairs;
    const std::int32_t live_pairs;

    SWITCHYARD_FN explicit PairReader(const PlanParams& plan_in)
        : plan(plan_in),
          tile_pairs(tile_tokens(plan_in.num_tokens, plan_in.top_k) * plan_in.top_k),
          live_pairs(live_count(plan_in.live_tokens, plan_in.num_tokens) * plan_in.top_k) {}

    [[nodiscard]] SWITCHYARD_FN std::int32_t live(std::int32_t tile) const {
      const std::int32_t left = live_pairs - tile * tile_pairs;
      return left < tile_pairs ? left : tile_pairs;
    }
    [[nodiscard]] SWITCHYARD_FN Pair read(std::int32_t tile, std::int32_t i) const {
      if (i >= live(tile)) return {-1, 0};
      const std::int32_t pair = tile * tile_pairs + i;
      return {value_of(plan.selected_ids[pair]), value_of(plan.pairs_by_token[pair])};
    }
  };

  /// Number i of the partial sums: those of word i % words over every sharers-th tile.
  template <class Sums>
  SWITCHYARD_FN static void sum_tiles(const TileCounts& counts, std::int32_t own_tile,
                                      std::int32_t sharers, std::int32_t i, Sums& rows,
                                      Sums& before) {
    constexpr int kAtOnce = 16;
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
template <int PerLane, Ranking By, class Launch>
void launch_route_plan(const RoutePlanParams& params, int wave_size, Launch&& launch) {
  const std::int64_t tiles = route_plan_tiles(params.plan.num_tokens, params.plan.top_k);
  const auto shape_of = [&](std::int64_t blocks, auto bytes_with) {
    std::int32_t waves = kMaxThreads / wave_size;
    while (waves > 1 && bytes_with(waves) > kMaxSharedBytes) waves /= 2;
    return LaunchShape{blocks, waves * wave_size, bytes_with(waves)};
  };
  if (tiles == 1) {
    launch.template operator()<RoutePlanBlockBody<PerLane, By>>(
        shape_of(1,
                 [&](std::int32_t waves) {
                   return RoutePlanBlockBody<PerLane, By>::block_bytes(params, waves);
                 }),
        params);
    return;
  }
  launch.template operator()<RouteTileBody<PerLane, By>>(
      shape_of(tiles,
               [&](std::int32_t waves) {
                 return RouteTileBody<PerLane, By>::block_bytes(params, waves);
               }),
      params);
  if (tiles > kFewTiles) {
    const std::int64_t waves = kMaxThreads / wave_size;
    launch.template operator()<ScanTilesBody>(
        LaunchShape{ceil_div(params.plan.num_local_experts, waves), kMaxThreads, 0}, params);
  }
  launch.template operator()<PlaceTilesBody>(
      shape_of(ceil_div(tiles, tiles_per_placer(static_cast<std::int32_t>(tiles))),
               [&](std::int32_t waves) {
                 return PlaceTilesBody::block_bytes(params, waves, wave_size);
               }),
      params);
}

template <Ranking By, class Launch>
void launch_ranking_by(const RoutePlanParams& params, int wave_size, Launch&& launch) {
  const std::int64_t per_lane = ceil_div(params.route.num_experts, wave_size);
  if (per_lane <= 4) return launch_route_plan<4, By>(params, wave_size, launch);
  if (per_lane <= 8) return launch_route_plan<8, By>(params, wave_size, launch);
  launch_route_plan<kMaxPerLane, By>(params, wave_size, launch);
}

template <class Launch>
void launch_all(const RoutePlanParams& params, int wave_size, Launch&& launch) {
  if (params.given_ids != nullptr || ranking_of(params.route) == Ranking::logits)
    return launch_ranking_by<Ranking::logits>(params, wave_size, launch);
  launch_ranking_by<Ranking::selections>(params, wave_size, launch);
}

}  // namespace switchyard::kernels::simt
