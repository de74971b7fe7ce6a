// SPDX-License-Identifier: Apache-2.0
// All of a layer in one persistent kernel, for few tokens: as many blocks as multiprocessors. Where
// blocks route, a multiprocessor has room for two: the next launch's are there, and have prepared
// what does not depend on this one, when this one ends.
//
// At decode a layer is the reading of its active experts' weights, so everything here serves a
// stream of weights that does not stop: every warp copies its share of them into a ring of its own,
// across units and experts, and on into down, whose weights fill the ring while rows of gate_up are
// still missing. Steps of a block:
//   plan        the eight buffers to shared memory (sm90_plan.cuh), or, where tokens are so few that
//               a launch costs more than their routing, the plan by the block (sm90_route_block.cuh)
//   gate_up     units of 16 weight rows (sm90_gate_up.cuh)
//   wait        until the grid has done all units, or in wide layers, where that is microseconds, a
//               warp until it has done those of its item's group (sm90_sections.cuh)
//   down        16 output columns of all tokens at a time, combined in the block (sm90_down.cuh)
//
// Blocks wait for units that other blocks have drawn, never for blocks: the launch needs none of
// them to be resident at the same time (sm90_cursor.cuh).
//
// Code that runs for the first time in a launch is fetched behind the weights that are asked for,
// which takes microseconds: what is done once is done before the first request, or beside it.
//
// Sums have one order, given by the extents of the call: results are bitwise reproducible, and a
// token's does not depend on the others.
#pragma once

#include "kernels/elements.hpp"
#include "kernels/fused_layer/sm90_down.cuh"
#include "kernels/fused_layer/sm90_gate_up.cuh"
#include "kernels/fused_layer/sm90_plan.cuh"
#include "kernels/fused_layer/sm90_route_block.cuh"
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

/// Ctx: the context of SIMT bodies (kernels/simt.hpp).
template <class Element, int kStages, int kTiles, Planning kPlanning, class Ctx>
__global__ void __launch_bounds__(kFusedThreads, blocks_together(kStages, kPlanning))
    fused_layer(const __grid_constant__ FusedArguments arguments) {
  constexpr bool kRoutes = kPlanning == Planning::blocks;
  constexpr bool kHoldsTokens = holds_tokens(kStages, kPlanning);
  extern __shared__ __align__(1024) char memory[];
  using Memory = FusedMemory<kPlanning>;
  SharedPlan<kPlanning>& plan = shared_plan<kPlanning>();
  StreamMemory& streams = stream_memory();
  float* const work = reinterpret_cast<float*>(memory + Memory::kWork);
  GridCounters& counters = *arguments.counters;

  [[maybe_unused]] const bool is_lone =
      kRoutes && !has_sections(kStages) && is_lone_token(arguments);
  if constexpr (kRoutes) {
    prepare_router(plan, arguments.route);
    if (is_lone) prepare_lone_rows(plan, arguments.plan.top_k);
  }
  const WeightStack gate_up_weights = gate_up_stack(arguments.gate_up);
  if constexpr (!kRoutes)
    bring_ahead(gate_up_weights, arguments.plan.num_local_experts, arguments.tuning.ahead);
  prepare_streams(streams, gate_up_weights, down_stack(arguments.down),
                  arguments.down.hidden_size / kStripRows, arguments.tuning);
  WeightStream<kPlanning> stream(arguments.tuning.ring, gate_up_weights.pieces);
  if (is_lone) __syncthreads();
  wait_for_predecessors();
  start_successors();

  constexpr unsigned kUnitThread = 0, kStripThread = 32;
  std::uint32_t first_unit = 0, second_strip = 0;
  if (threadIdx.x == kUnitThread) first_unit = draw_ticket(&counters.unit_tickets, 0);
  if (threadIdx.x == kStripThread) second_strip = draw_ticket(&counters.strip_tickets, 0);
  const auto share_out = [&](const std::int32_t& num_groups) {
    if (threadIdx.x == kUnitThread) {
      share_units_out(streams, counters, num_groups, arguments.num_blocks, first_unit);
      if constexpr (kRoutes) streams.leads = (first_unit & ~kTurn) == 0;
    }
    if constexpr (has_sections(kStages)) prepare_sections(streams, num_groups);
    if (threadIdx.x == kStripThread) share_strips_out(streams, counters, num_groups, second_strip);
  };
  if constexpr (!kRoutes) {
    make_plan<8 * kTiles>(plan, arguments);
    share_out(plan.num_groups);
  } else if (is_lone) {
    route_lone_token<Ctx>(plan, arguments, share_out);
  } else {
    route_rows<Ctx, 8 * kTiles>(plan, arguments);
    share_out(plan.num_groups);
  }
  __syncthreads();

  GateUpWork<kPlanning> gate_up{arguments.gate_up, plan, work};
  [[maybe_unused]] HeldRows<kStages, 1> tokens;
  if constexpr (kRoutes)
    if (weighs_pairs<!has_sections(kStages)>(arguments)) weigh_own<Ctx>(arguments);
  if constexpr (kHoldsTokens)
    hold_tokens<kStages>(tokens, gate_up, stream, arguments.plan.num_tokens);
  stream.fill();
  if constexpr (kRoutes) {
    if (streams.leads) {
      if (threadIdx.x == kUnitThread) clear_next_turn(counters, first_unit);
      publish_plan<Ctx>(plan, arguments.plan, is_lone);
    }
  }
  int num_done;
  if constexpr (kHoldsTokens)
    num_done = gate_up_phase_by_token<Element, kStages>(gate_up, stream, tokens);
  else
    num_done = gate_up_phase<Element, kStages, kTiles>(gate_up, stream);
  if constexpr (has_sections(kStages)) {
    __syncthreads();
    if (threadIdx.x < 32) count_units();
  } else {
    meet_units(streams.units_done, num_done, streams.units.num_units);
  }

  const int live = live_count(arguments.combine.live_tokens, arguments.combine.num_tokens);
  constexpr bool kFetches = kRoutes && !has_sections(kStages);
  const FetchedWeight<kFetches> weight(arguments.route.pair_weights, live * arguments.plan.top_k);
  const DownWork<kPlanning> down{arguments.down, arguments.combine,           plan,
                                 work,           arguments.tuning.down_split, live};
  down_phase<Element, kTiles, has_sections(kStages)>(down, stream, [&] { weight.put(plan); });
}

/// The kernel of a build, or null.
template <class Element, class Ctx>
[[nodiscard]] const void* find_fused_kernel(const FusedBuild& build, Planning planning) noexcept {
  const auto address = [](auto* kernel) { return reinterpret_cast<const void*>(kernel); };
  if (planning == Planning::blocks) {
    if (build.stages == 2) return address(&fused_layer<Element, 2, 1, Planning::blocks, Ctx>);
    if (build.stages == 4) return address(&fused_layer<Element, 4, 1, Planning::blocks, Ctx>);
    if (build.stages == 8) return address(&fused_layer<Element, 8, 1, Planning::blocks, Ctx>);
    return nullptr;
  }
  if (build == FusedBuild{2, 4}) return address(&fused_layer<Element, 2, 4, Planning::stage, Ctx>);
  if (build == FusedBuild{4, 2}) return address(&fused_layer<Element, 4, 2, Planning::stage, Ctx>);
  if (build == FusedBuild{8, 1}) return address(&fused_layer<Element, 8, 1, Planning::stage, Ctx>);
  return nullptr;
}

}  // namespace switchyard::kernels::sm90
