// SPDX-License-Identifier: Apache-2.0
// What is left to do for a tile once it is known where each expert starts, beside the pairs: its
// share of what no pair is placed at, and with the first tile the offsets. By the last waves of the
// tile's block, as many as plan, or by those that place the pairs of a block that has left.
#pragma once

#include <cstdint>
#include <utility>

#include "kernels/route_plan/simt_place.hpp"
#include "kernels/route_plan/sm90_grid_shape.hpp"
#include "kernels/sm90/barrier.cuh"

namespace switchyard::kernels::sm90 {

template <class Ctx>
struct TilePadder {
  using Flag = decltype(std::declval<Ctx&>().template shared<std::int32_t>(0));

  const simt::Placer<Ctx>& placer;
  const Flag& has_left;  // [1] whether the block has
  const Barrier told;
  const std::int32_t tiles;

  /// By one thread, before the block meets.
  __device__ __forceinline__ void set_up() const {
    has_left[0] = 0;
    told.init(Ctx::kWave);
  }

  /// By the waves that plan, of which the first has the say: the block has left, or else where each
  /// expert starts is known.
  template <class Waves>
  __device__ __forceinline__ void tell(const Waves& waves, bool leaves) const {
    if (waves.wave() > 0) return;
    if (leaves && waves.lane() == 0) has_left[0] = 1;
    told.arrive();
  }

  /// By all other waves.
  __device__ __forceinline__ void pad_when_told(const Ctx& ctx, std::int32_t tile) const {
    const std::int32_t thread = ctx.thread() - (ctx.num_threads() - kSharers);
    if (thread < 0) return;
    told.wait(0);
    if (has_left[0] == 0) pad(tile, thread);
  }

  /// By each of as many threads as plan.
  __device__ __forceinline__ void pad(std::int32_t tile, std::int32_t thread) const {
    if (tile == 0) placer.publish(thread, kSharers);
    placer.pad_all(tile * kSharers + thread, tiles * kSharers);
    placer.fill_tails(tile * kSharers + thread, tiles * kSharers);
  }

 private:
  static constexpr std::int32_t kSharers = kGridPlanners * Ctx::kWave;
};

}  // namespace switchyard::kernels::sm90
