// SPDX-License-Identifier: Apache-2.0
// The SIMT bodies of stage "route_plan". A tile of tokens is routed by one block, which also ranks
// its pairs within their experts and counts them. Few tokens are one tile, and the block goes on to
// the plan, beside waves that still weigh: one launch. Else a second launch sums the counts of the
// tiles before its own, in every block anew, and places the pairs; with many tiles a launch between
// the two does the sums once.
#pragma once

#include <string_view>
#include <utility>

#include "kernels/route_plan/params.hpp"
#include "kernels/route_plan/simt_place.hpp"
#include "kernels/route_plan/simt_scan.hpp"
#include "kernels/route_plan/simt_split_tile.hpp"
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

/// By the first block.
template <class Ctx>
SWITCHYARD_FN void clear_counters(Ctx& ctx, const RoutePlanParams& params) {
  if (params.counters == nullptr || ctx.block() > 0) return;
  SWITCHYARD_ROLLED
  for (std::int32_t i = ctx.thread(); i < params.cleared; i += ctx.num_threads())
    params.counters[i] = 0;
}

/// The whole stage, for one tile.
template <int PerLane, Ranking By>
struct RoutePlanBlockBody {
  using Params = RoutePlanParams;
  static constexpr std::string_view kName = "route_plan_block";

  [[nodiscard]] static std::size_t block_bytes(const Params& params, std::int64_t waves) noexcept {
    return routed_tile_bytes(params, waves) + placer_bytes(params.plan, waves);
  }

  template <class Ctx>
  struct Job {
    Ctx& ctx;
    const Params& params;
    SplitTileRouter<Ctx, PerLane, By> router;
    Placer<Ctx> placer;

    SWITCHYARD_FN Job(Ctx& ctx_in, const Params& params_in)
        : ctx(ctx_in),
          params(params_in),
          router(ctx, params),
          placer(ctx, params.plan, params.tiles.block_bits) {}

    SWITCHYARD_FN void run() {
      const std::int32_t tokens = router.tile.live_tokens(0);
      router.route(0, tokens, [&] { plan(tokens); });
    }

   private:
    SWITCHYARD_FN void plan(std::int32_t tokens) {
      const bool few = tokens * router.tile.top_k <= 2 * Ctx::kWave &&
                       router.tile.experts <= kFewExpertsPerLane * Ctx::kWave;
      const bool alone = few && router.is_apart();  // one wave plans
      const auto idle = router.idle_waves();
      if (ctx.wave() >= idle.first && ctx.wave() < idle.last)
        placer.fill_all(ctx.thread() - idle.first * Ctx::kWave,
                        (idle.last - idle.first) * Ctx::kWave);
      clear_counters(ctx, params);
      ctx.sync();
      const auto rows = [&](std::int32_t e) { return router.rows(e); };
      if (!alone) {
        placer.scan(rows, true);
        place(tokens, ctx.thread(), ctx.num_threads());
      } else if (ctx.wave() == 0) {  // has selected; others weigh
        placer.scan_by_wave(rows, true);
        place(tokens, ctx.lane(), Ctx::kWave);
      }
    }

    /// The pairs, shared out over `count` threads.
    SWITCHYARD_FN void place(std::int32_t tokens, std::int32_t thread, std::int32_t count) const {
      SWITCHYARD_ROLLED
      for (std::int32_t pair = thread; pair < tokens * router.tile.top_k; pair += count) {
        const std::int32_t e = router.tile.locals[pair];
        const PairPlace at = router.tile.places[pair];
        placer.place(pair, at.token(), e, e < 0 ? 0 : router.rank(e, at));
      }
    }
  };
};

/// One block per tile: ids, weights and counts; pairs_by_token gets the rank in the tile.
template <int PerLane, Ranking By>
struct RouteTileBody {
  using Params = RoutePlanParams;
  static constexpr std::string_view kName = "route_tile";

  [[nodiscard]] static std::size_t block_bytes(const Params& params, std::int64_t waves) noexcept {
    return routed_tile_bytes(params, waves);
  }

  template <class Ctx>
  struct Job {
    Ctx& ctx;
    const Params& params;
    TileRouter<Ctx, PerLane, By> router;

    SWITCHYARD_FN Job(Ctx& ctx_in, const Params& params_in)
        : ctx(ctx_in), params(params_in), router(ctx, params) {}

    SWITCHYARD_FN void run() {
      const auto tile = static_cast<std::int32_t>(ctx.block());
      const std::int32_t first = tile * params.tiles.tokens;
      const std::int32_t tokens = router.tile.live_tokens(first);
      router.route(first, tokens);
      const std::int32_t waves = router.tile.busy_waves(tokens);
      std::int32_t* const counts = params.plan.scratch + std::int64_t{tile} * params.tiles.words;
      SWITCHYARD_ROLLED
      for (std::int32_t base = 0; base < router.tile.experts; base += ctx.num_threads()) {
        const std::int32_t e = base + ctx.thread();
        const std::int32_t own = e < router.tile.experts ? router.close_count(e, waves) : 0;
        const std::int32_t next = ctx.shuffle(own, ctx.lane() | 1);
        if (e < router.tile.experts && e % 2 == 0) counts[e / 2] = own | next << 16;
      }
      ctx.sync();
      PackedRow* const ranks = params.plan.pairs_by_token + first * router.tile.top_k;
      SWITCHYARD_ROLLED
      for (std::int32_t i = ctx.thread(); i < tokens * router.tile.top_k; i += ctx.num_threads()) {
        const std::int32_t e = router.tile.locals[i];
        ranks[i] = e < 0 ? kSkippedPair : PackedRow{router.rank(e, router.tile.places[i])};
      }
      clear_counters(ctx, params);
    }
  };
};

/// One block per tile: places its pairs, and does its share of what no pair is placed at.
struct PlaceTileBody {
  using Params = RoutePlanParams;
  static constexpr std::string_view kName = "place_tile";

  [[nodiscard]] static std::size_t block_bytes(const Params& params, std::int64_t waves) noexcept {
    return placer_bytes(params.plan, waves) +
           2 * shared_bytes<SumPair>(std::int64_t{params.tiles.words} * params.tiles.sharers);
  }

  template <class Ctx>
  struct Job {
    template <class T>
    using Shared = decltype(std::declval<Ctx&>().template shared<T>(0));

    Ctx& ctx;
    const Params& params;
    const PlanParams& plan;
    const TileCounts counts;
    const std::int32_t sharers;
    Placer<Ctx> placer;
    Shared<SumPair> rows;    // [sharers, words]
    Shared<SumPair> before;  // [sharers, words]

    SWITCHYARD_FN Job(Ctx& ctx_in, const Params& params_in)
        : ctx(ctx_in),
          params(params_in),
          plan(params.plan),
          counts(params),
          sharers(params.tiles.sharers),
          placer(ctx, plan, params.tiles.block_bits),
          rows(ctx.template shared<SumPair>(std::int64_t{counts.words} * sharers)),
          before(ctx.template shared<SumPair>(std::int64_t{counts.words} * sharers)) {}

    SWITCHYARD_FN void run() {
      const auto tile = static_cast<std::int32_t>(ctx.block());
      const bool few = counts.tiles <= kFewTiles;
      const PairReader pairs(params, tile);
      auto next = pairs.read(ctx.thread());  // ahead of the counts that it waits for
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

      SWITCHYARD_ROLLED
      for (std::int32_t i = ctx.thread(); i < pairs.live; i += ctx.num_threads()) {
        if (i != ctx.thread()) next = pairs.read(i);
        const std::int32_t pair = pairs.first + i;
        const std::int32_t e = local_expert(plan, next.id);
        placer.place(pair, pair / plan.top_k, e, e < 0 ? 0 : total(before, e) + next.rank);
      }
      const std::int32_t thread =
          static_cast<std::int32_t>(ctx.block()) * ctx.num_threads() + ctx.thread();
      const std::int32_t threads = static_cast<std::int32_t>(ctx.num_blocks()) * ctx.num_threads();
      placer.pad_all(thread, threads);
      placer.fill_tails(thread, threads);
    }
  };

 private:
  /// What RouteTileBody left of the pairs of a tile.
  struct PairReader {
    struct Pair {
      std::int32_t id;    // of an expert, as it was chosen
      std::int32_t rank;  // in the tile
    };
    const PlanParams& plan;
    const std::int32_t first;  // pair of the tile
    const std::int32_t live;   // pairs from there on, of the tile

    SWITCHYARD_FN PairReader(const RoutePlanParams& params, std::int32_t tile)
        : plan(params.plan),
          first(tile * params.tiles.tokens * plan.top_k),
          live(live_of(params.tiles.tokens * plan.top_k)) {}

    [[nodiscard]] SWITCHYARD_FN std::int32_t live_of(std::int32_t tile_pairs) const {
      const std::int32_t left = live_count(plan.live_tokens, plan.num_tokens) * plan.top_k - first;
      return left < tile_pairs ? left : tile_pairs;
    }
    [[nodiscard]] SWITCHYARD_FN Pair read(std::int32_t i) const {
      if (i >= live) return {-1, 0};
      return {value_of(plan.selected_ids[first + i]), value_of(plan.pairs_by_token[first + i])};
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

/// Threads of a block of Body: as many waves as its shared memory allows.
template <class Body>
[[nodiscard]] LaunchShape route_plan_shape(const RoutePlanParams& params, std::int64_t blocks,
                                           int wave_size) {
  std::int32_t waves = kMaxThreads / wave_size;
  while (waves > 1 && Body::block_bytes(params, waves) > kMaxSharedBytes) waves /= 2;
  return {blocks, waves * wave_size, Body::block_bytes(params, waves)};
}

/// Launches Body, one block per tile, with the waves' tokens filled in.
template <class Body, class Launch>
void launch_tiles(RoutePlanParams params, int wave_size, Launch&& launch) {
  const LaunchShape shape = route_plan_shape<Body>(params, params.tiles.count, wave_size);
  const std::int32_t waves = shape.num_threads / wave_size;
  params.tiles.wave_token_bits =
      waves < params.tiles.tokens ? bits_for(params.tiles.tokens / waves) : 0;
  launch.template operator()<Body>(shape, params);
}

/// Calls launch.template operator()<Body>(shape, params) for every launch of the stage.
template <int PerLane, Ranking By, class Launch>
void launch_route_plan(RoutePlanParams params, int wave_size, Launch&& launch) {
  const PlanParams& plan = params.plan;
  RoutePlanTiles& tiles = params.tiles;
  tiles.tokens = tile_tokens(plan.num_tokens, plan.top_k);
  tiles.count = route_plan_tiles(plan.num_tokens, plan.top_k);
  tiles.words = count_words(plan.num_local_experts);
  tiles.sharers = tiles.words < kMaxThreads ? kMaxThreads / tiles.words : 1;
  tiles.block_bits = bits_for(plan.block_size);
  if (tiles.count == 1)
    return launch_tiles<RoutePlanBlockBody<PerLane, By>>(params, wave_size, launch);
  launch_tiles<RouteTileBody<PerLane, By>>(params, wave_size, launch);
  if (tiles.count > kFewTiles)
    launch.template operator()<ScanTilesBody>(ScanTilesBody::shape(params, wave_size), params);
  launch.template operator()<PlaceTileBody>(
      route_plan_shape<PlaceTileBody>(params, tiles.count, wave_size), params);
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
