// SPDX-License-Identifier: Apache-2.0
// Stage "route_plan" in one launch, by one cluster of blocks. A block routes a tile of tokens and
// counts its rows of each expert, as kernels/route_plan/simt_split_tile.hpp has it, and sends the
// counts to the shared memory of every block of the cluster, where a barrier counts the bytes.
// While they are on their way its waves weigh. Then each block sums the counts of all tiles and of
// those before its own, finds where each expert starts, and places its own pairs, whose ranks never
// left its shared memory. Where a token has two waves, those that select plan as well and do not
// wait for those that weigh. Nothing goes through device memory between the blocks, and nothing
// outlives the launch.
#pragma once

#include <cstdint>
#include <utility>

#include "kernels/route_plan/params.hpp"
#include "kernels/route_plan/simt.hpp"
#include "kernels/route_plan/simt_place.hpp"
#include "kernels/route_plan/simt_scan.hpp"
#include "kernels/route_plan/simt_split_tile.hpp"
#include "kernels/route_plan/sm90_planner.cuh"
#include "kernels/route_plan/sm90_shape.hpp"
#include "kernels/sm90/barrier.cuh"
#include "kernels/sm90/grid.cuh"

namespace switchyard::kernels::sm90 {

template <int PerLane, simt::Ranking By>
struct RoutePlanClusterBody {
  using Params = RoutePlanParams;

  template <class Ctx>
  struct Job {
    template <class T>
    using Shared = decltype(std::declval<Ctx&>().template shared<T>(0));

    Ctx& ctx;
    const Params& params;
    const RoutePlanTiles& tiles;
    const std::int32_t tile;   // the block's
    const std::int32_t share;  // of the thread, where several share a word of counts
    simt::SplitTileRouter<Ctx, PerLane, By> router;
    Shared<std::uint32_t> counts;  // [tiles, words] as RouteTileBody's, from all blocks
    const Barrier landed;          // of the counts from all blocks
    Shared<std::int32_t> before;   // [experts] rows of the tiles before this one

    __device__ __forceinline__ Job(Ctx& ctx_in, const Params& params_in)
        : ctx(ctx_in),
          params(params_in),
          tiles(params.tiles),
          tile(static_cast<std::int32_t>(ctx.block())),
          share(tiles.sharers > 1 ? ctx.thread() / tiles.words : 0),
          router(ctx, params),
          counts(ctx.template shared<std::uint32_t>(std::int64_t{tiles.count} * tiles.words)),
          landed{shared_address(&ctx.template shared<std::uint64_t>(1)[0])},
          before(ctx.template shared<std::int32_t>(router.tile.experts)) {
      if (ctx.thread() == 0) {
        landed.init(1);
        fence_barrier_init();
      }
      arrive_at_cluster();
    }

    __device__ __forceinline__ void run() {
      const std::int32_t first = tile * tiles.tokens;
      const std::int32_t tokens = router.tile.live_tokens(first);
      simt::clear_counters(ctx, params);
      router.route(first, tokens, [&] {
        wait_for_cluster();  // all blocks have started and set up their barriers
        ctx.sync();
        // Bytes may land before they are expected: the phase waits for this arrival all the same.
        if (ctx.thread() == 0) landed.arrive_expecting(tiles.count * tiles.words * kWordBytes);
        send_counts();
      });
      FirstWaves<Ctx> planner(ctx, planning_waves(tiles));
      if (planner.has_thread()) plan(planner, first, tokens);
    }

   private:
    static constexpr int kWordBytes = 4;

    /// The tile's rows of each expert, to every block.
    __device__ __forceinline__ void send_counts() const {
      SWITCHYARD_ROLLED
      for (std::int32_t w = share < tiles.sharers ? ctx.thread() - share * tiles.words
                                                  : tiles.words;
           w < tiles.words; w += ctx.num_threads()) {
        const std::int32_t next = 2 * w + 1 < router.tile.experts ? router.rows(2 * w + 1) : 0;
        const auto word = static_cast<std::uint32_t>(router.rows(2 * w) | next << 16);
        SWITCHYARD_ROLLED
        for (std::int32_t to = share; to < tiles.count; to += tiles.sharers)
          landed.store_at(to, shared_address(&counts[tile * tiles.words + w]), word);
      }
    }

    /// The rows of expert e; before[e] becomes those of the tiles before this one.
    __device__ __forceinline__ std::int32_t sum_tiles(std::int32_t e) const {
      constexpr int kAtOnce = 8;
      std::int32_t all = 0;
      std::int32_t below = 0;
      SWITCHYARD_ROLLED
      for (std::int32_t base = 0; base < tiles.count; base += kAtOnce) {
        std::int32_t rows[kAtOnce];
        for (int j = 0; j < kAtOnce; ++j)
          rows[j] = base + j < tiles.count
                        ? simt::count_of(counts[(base + j) * tiles.words + e / 2], e)
                        : 0;
        for (int j = 0; j < kAtOnce; ++j) {
          all += rows[j];
          if (base + j < tile) below += rows[j];
        }
      }
      before[e] = below;
      return all;
    }

    __device__ __forceinline__ void plan(FirstWaves<Ctx>& planner, std::int32_t first,
                                         std::int32_t tokens) const {
      simt::Placer<FirstWaves<Ctx>> placer(planner, params.plan, tiles.block_bits);
      landed.wait(0);
      placer.scan([&](std::int32_t e) { return sum_tiles(e); }, tile == 0);
      const std::int32_t count = planner.num_threads();
      SWITCHYARD_ROLLED
      for (std::int32_t i = planner.thread(); i < tokens * router.tile.top_k; i += count) {
        const std::int32_t e = router.tile.locals[i];
        const simt::PairPlace at = router.tile.places[i];
        placer.place(first * router.tile.top_k + i, first + at.token(), e,
                     e < 0 ? 0 : before[e] + router.rank(e, at));
      }
      placer.pad_all(tile * count + planner.thread(), tiles.count * count);
      placer.fill_tails(tile * count + planner.thread(), tiles.count * count);
    }
  };
};

}  // namespace switchyard::kernels::sm90
