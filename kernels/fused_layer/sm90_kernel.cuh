// SPDX-License-Identifier: Apache-2.0
// All of a layer behind its plan in one persistent kernel, for few tokens: one block per
// multiprocessor.
//
// At decode a layer is the reading of its active experts' weights, so everything here serves a
// stream of weights that does not stop: every warp copies its share of them into a ring of its own,
// across units and experts, and across the point where gate_up must be complete before down, at
// which the ring fills with down's weights. Steps of a block:
//   plan        the eight buffers to shared memory (sm90_plan.cuh)
//   gate_up     units of 16 weight rows (sm90_gate_up.cuh)
//   wait        until the grid has done all units: all of activated is in memory
//   down        16 output columns of all tokens at a time, combined in the block (sm90_down.cuh)
//
// Blocks wait for units that other blocks have drawn, never for blocks: the launch needs none of
// them to be resident at the same time (sm90_cursor.cuh). The counters are in the call's own
// memory, cleared by the launch that made the plan.
//
// Sums have one order, given by the extents of the call: results are bitwise reproducible, and a
// token's does not depend on the others.
#pragma once

#include "kernels/elements.hpp"
#include "kernels/fused_layer/sm90_down.cuh"
#include "kernels/fused_layer/sm90_gate_up.cuh"
#include "kernels/fused_layer/sm90_plan.cuh"
#include "kernels/sm90/grid.cuh"

namespace switchyard::kernels::sm90 {

[[nodiscard]] __device__ inline WeightStack stack_of(const void* data, int rows, int width) {
  const int pieces = (width + kTileWidth - 1) / kTileWidth;
  return {static_cast<const char*>(data), (rows + kTileRows - 1) / kTileRows * pieces, pieces};
}
[[nodiscard]] __device__ inline WeightStack gate_up_stack(const GateUpParams& params) {
  return stack_of(params.gate_up, params.intermediate_size * (has_gate(params) ? 2 : 1),
                  params.hidden_size);
}
[[nodiscard]] __device__ inline WeightStack down_stack(const DownParams& params) {
  return stack_of(params.down, params.hidden_size, params.intermediate_size);
}

/// Adds the block's units to those done and waits for the others': what all of them wrote is
/// visible then. All threads.
__device__ inline void meet_units(std::uint32_t* done, int own, int all) {
  __syncthreads();
  if (threadIdx.x == 0) {
    asm volatile("red.release.gpu.global.add.u32 [%0], %1;" ::"l"(done), "r"(own) : "memory");
    std::uint32_t seen;
    do asm volatile("ld.acquire.gpu.global.u32 %0, [%1];" : "=r"(seen) : "l"(done) : "memory");
    while (seen < static_cast<std::uint32_t>(all));
  }
  __syncthreads();
}

template <class Element, int kStages, int kTiles>
__global__ void __launch_bounds__(kFusedThreads, 1)
    fused_layer(const __grid_constant__ FusedArguments arguments) {
  extern __shared__ __align__(1024) char memory[];
  SharedPlan& plan = shared_plan();
  StreamMemory& streams = stream_memory();
  float* const work = reinterpret_cast<float*>(memory + FusedMemory::kWork);
  GridCounters& counters = *arguments.counters;

  const WeightStack gate_up_weights = gate_up_stack(arguments.gate_up);
  prepare_streams(streams, gate_up_weights, down_stack(arguments.down),
                  arguments.down.hidden_size / kStripRows, arguments.tuning);
  WeightStream stream(arguments.tuning.ring, gate_up_weights.pieces);
  wait_for_predecessors();
  start_successors();

  constexpr unsigned kUnitThread = 0, kStripThread = 32;
  std::uint32_t first_unit = 0, second_strip = 0;
  if (threadIdx.x == kUnitThread) first_unit = draw_ticket(&counters.unit_tickets, 0);
  if (threadIdx.x == kStripThread) second_strip = draw_ticket(&counters.strip_tickets, 0);
  make_plan<8 * kTiles>(plan, arguments);
  if (threadIdx.x == kUnitThread) share_units_out(streams, counters, arguments.num_blocks, first_unit);
  if (threadIdx.x == kStripThread) share_strips_out(streams, counters, second_strip);
  __syncthreads();
  stream.fill();

  GateUpWork gate_up{arguments.gate_up, plan, work};
  const int num_done = gate_up_phase<Element, kStages, kTiles>(gate_up, stream);
  meet_units(&counters.units_done, num_done, streams.units.num_units);

  const int live = live_count(arguments.combine.live_tokens, arguments.combine.num_tokens);
  const DownWork down{arguments.down, arguments.combine,         plan,
                      work,           arguments.tuning.down_split, live};
  down_phase<Element, kTiles>(down, stream);
}

/// The kernel of a build, or null.
template <class Element>
[[nodiscard]] const void* find_fused_kernel(const FusedBuild& build) noexcept {
  const auto address = [](auto* kernel) { return reinterpret_cast<const void*>(kernel); };
  if (build == FusedBuild{2, 4}) return address(&fused_layer<Element, 2, 4>);
  if (build == FusedBuild{4, 2}) return address(&fused_layer<Element, 4, 2>);
  if (build == FusedBuild{8, 1}) return address(&fused_layer<Element, 8, 1>);
  return nullptr;
}

}  // namespace switchyard::kernels::sm90
