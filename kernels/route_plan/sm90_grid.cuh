// SPDX-License-Identifier: Apache-2.0
// Stage "route_plan" in one launch, by blocks that are on the device at the same time. A block
// selects for a tile of tokens; which of them chose an expert is a mask of bits in its shared
// memory, so that the rows of an expert and a pair's rank among them are counts of bits. Then its
// first waves plan (sm90_tile_planner.cuh), and the others weigh, since no plan waits for a weight,
// and pad; those that have planned help with what is left to weigh.
#pragma once

#include <cstdint>
#include <utility>

#include "kernels/route_plan/params.hpp"
#include "kernels/route_plan/simt.hpp"
#include "kernels/route_plan/simt_routed_tile.hpp"
#include "kernels/route_plan/sm90_grid_shape.hpp"
#include "kernels/route_plan/sm90_planner.cuh"
#include "kernels/route_plan/sm90_tile_masks.cuh"
#include "kernels/route_plan/sm90_tile_padder.cuh"
#include "kernels/route_plan/sm90_tile_planner.cuh"
#include "kernels/sm90/barrier.cuh"

namespace switchyard::kernels::sm90 {

template <int PerLane, simt::Ranking By>
struct RoutePlanGridBody {
  using Params = RoutePlanGridParams;
  static constexpr int kThreads = max_grid_threads(PerLane);

  template <class Ctx>
  struct Job {
    template <class T>
    using Shared = decltype(std::declval<Ctx&>().template shared<T>(0));
    using Tile = simt::ChosenTile<Ctx, PerLane, By>;
    using Router = typename Tile::Router;
    using Masks = TileMasks<Shared<std::uint32_t>>;

    Ctx& ctx;
    const Params& params;
    const std::int32_t tile;   // the block's
    const std::int32_t first;  // token of the tile
    Tile chosen;
    const Masks masks;
    Shared<std::int32_t> drawn;     // [1] tokens of the tile that waves have weighed, or have to
    Shared<std::int32_t> has_left;  // [1] TilePadder::has_left
    const Barrier told;             // TilePadder::told
    simt::Placer<Ctx> placer;

    __device__ __forceinline__ Job(Ctx& ctx_in, const Params& params_in)
        : ctx(ctx_in),
          params(params_in),
          tile(static_cast<std::int32_t>(ctx.block())),
          first(tile * params.call.tiles.tokens),
          chosen(ctx, params.call),
          masks{ctx.template shared<std::uint32_t>(mask_elements(params.call)),
                params.call.tiles.tokens, count_quads(params.call.plan.num_local_experts)},
          drawn(ctx.template shared<std::int32_t>(1)),
          has_left(ctx.template shared<std::int32_t>(1)),
          told{shared_address(&ctx.template shared<std::uint64_t>(1)[0])},
          placer(ctx, params.call.plan, params.call.tiles.block_bits) {
      masks.clear(ctx);
      if (ctx.thread() == 0) {
        drawn[0] = 0;
        padder().set_up();
      }
      ctx.sync();
    }

    __device__ __forceinline__ void run() {
      const std::int32_t live = chosen.live_tokens(first);
      const Shift shift = own_shift();
      simt::clear_counters(ctx, params.call);
      Router router(ctx, params.call.route);
      select(router, shift, live);
      ctx.sync();
      FirstWaves<Ctx> planners(ctx, kGridPlanners);
      if (planners.has_thread()) {
        TilePlanner<Ctx, Tile, Masks> planner(planners, params, chosen, masks, placer, padder(),
                                              tile);
        planner.run(live);
      }
      weigh(router, shift, live);
      if (!planners.has_thread()) padder().pad_when_told(ctx, tile);
    }

   private:
    [[nodiscard]] __device__ __forceinline__ TilePadder<Ctx> padder() const {
      return {placer, has_left, told, params.call.tiles.count};
    }

    /// Who selects for which tokens of the tile. Of few, the first half of the waves selects, and
    /// each of the others has one to weigh.
    struct Shift {
      bool is_apart;  // the two are
      bool weighs_alone;
      std::int32_t begin;  // the wave's first token
      std::int32_t step;   // to its next
    };
    [[nodiscard]] __device__ __forceinline__ Shift own_shift() const {
      const std::int32_t half = ctx.num_waves() / 2;
      const bool is_apart = masks.tokens <= half;
      const bool weighs_alone = is_apart && ctx.wave() >= half;
      return {is_apart, weighs_alone, ctx.wave() - (weighs_alone ? half : 0),
              is_apart ? half : ctx.num_waves()};
    }

    /// Selects and marks; who weighs alone prepares its token.
    __device__ __forceinline__ void select(Router& router, const Shift& shift, std::int32_t live) {
#pragma unroll 1
      for (std::int32_t i = shift.begin; i < live; i += shift.step) {
        router.load(first + i);
        if (By == simt::Ranking::selections || shift.weighs_alone) router.prepare();
        if (shift.weighs_alone) continue;
        chosen.select(router, i);
#pragma unroll 1
        for (std::int32_t k = ctx.lane(); k < chosen.top_k; k += Ctx::kWave)
          masks.mark(i, chosen.chosen[i * chosen.top_k + k]);
      }
    }

    /// Weighs the wave's own token; where selecting is not apart, tokens that no wave has drawn.
    __device__ __forceinline__ void weigh(Router& router, const Shift& shift, std::int32_t live) {
      if (shift.is_apart && !shift.weighs_alone) return;
      std::int32_t i = shift.is_apart ? shift.begin : draw();
#pragma unroll 1
      while (i < live) {
        if (!shift.is_apart) {
          router.load(first + i);
          router.prepare();
        }
        float* const weights =
            params.call.plan.pair_weights + std::int64_t{first + i} * chosen.top_k;
        router.weigh(chosen.chosen.offset(i * chosen.top_k),
                     [&](std::int32_t k, std::int32_t /*e*/, float weight) { weights[k] = weight; });
        i = shift.is_apart ? live : draw();
      }
    }

    [[nodiscard]] __device__ __forceinline__ std::int32_t draw() const {
      std::int32_t token = 0;
      if (ctx.lane() == 0) token = atomicAdd(&drawn[0], 1);
      return ctx.shuffle(token, 0);
    }
  };
};

}  // namespace switchyard::kernels::sm90
