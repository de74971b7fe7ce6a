// SPDX-License-Identifier: Apache-2.0
// The plan of a call by each block of the fused layer kernel for itself, where tokens are few: one
// warp to a token (sm90_router.cuh), and one thread to a pair; or all for one (sm90_lone_token.cuh).
//
// Before a warp's first request for weights stands what it depends on, which experts and whose rows.
// What pairs weigh is needed when down is done: the block that drew the launch's first ticket finds
// it out, and leaves it, and the plan of the call, to memory; the others read it when they have met.
// Who comes late with its units leaves more of them to others.
#pragma once

#include <cstdint>

#include "kernels/elements.hpp"
#include "kernels/fused_layer/sm90_lone_token.cuh"
#include "kernels/fused_layer/sm90_router.cuh"
#include "kernels/route_plan/simt_place.hpp"
#include "kernels/route_plan/simt_routed_tile.hpp"

namespace switchyard::kernels::sm90 {

/// The token of this warp, or -1.
[[nodiscard]] __device__ __forceinline__ int own_token(const PlanParams& params) {
  const int warp = static_cast<int>(threadIdx.x / 32U);
  return warp < live_count(params.live_tokens, params.num_tokens) ? warp : -1;
}

/// The local experts of the pairs, by pair.
template <class Ctx>
__device__ __forceinline__ void find_experts(const FusedArguments& arguments) {
  RouterMemory& memory = router_memory();
  const PlanParams& params = arguments.plan;
  if (ranks_apart(arguments.route)) {
    const int warp = static_cast<int>(threadIdx.x / 32U);
    const int slices = (arguments.route.num_experts + 31) / 32;
    const int live = live_count(params.live_tokens, params.num_tokens);
    if (warp < live * slices) rank_slice<Ctx>(warp / slices, warp % slices);
    __syncthreads();
  }
  const int token = own_token(params);
  if (token < 0) return;
  with_recipe(arguments.route,
              [&]<int kPerLane, simt::Ranking kBy> { select_experts<Ctx, kPerLane, kBy>(token); });
  const int first = token * params.top_k;
#pragma unroll 1
  for (int k = static_cast<int>(threadIdx.x % 32U); k < params.top_k; k += 32) {
    const std::int32_t e = simt::local_expert(params, memory.chosen[first + k]);
    memory.experts[first + k] = e < 0 ? RouterMemory::kSkipped : static_cast<std::uint32_t>(e);
  }
}

/// What SharedPlan holds of rows and groups. All threads; ends with a block barrier.
template <class Ctx, int kGroupRows>
__device__ __forceinline__ void route_rows(SharedPlan<Planning::blocks>& plan,
                                           const FusedArguments& arguments) {
  RouterMemory& memory = router_memory();
  const PlanParams& params = arguments.plan;
  find_experts<Ctx>(arguments);
  __syncthreads();

  // A pair's row: pairs of lower experts come first, then those of its own before it.
  const int thread = static_cast<int>(threadIdx.x);
  const int token = thread / params.top_k;
  const int num_pairs = params.num_tokens * params.top_k;
  const std::uint32_t expert = memory.experts[thread];
  const bool has_row = expert != RouterMemory::kSkipped;
  int below = 0, before = 0;
#pragma unroll 1
  for (int i = 0; i < num_pairs; i += 4) {
    const uint4 others = *reinterpret_cast<const uint4*>(memory.experts + i);
    const std::uint32_t e[4] = {others.x, others.y, others.z, others.w};
#pragma unroll
    for (int j = 0; j < 4; ++j) {
      below += e[j] < expert ? 1 : 0;
      before += e[j] == expert && i + j < thread ? 1 : 0;
    }
  }
  const int row = below + before;
  const bool begins_group = has_row && before % kGroupRows == 0;
  if (thread < num_pairs) plan.pair_row[thread] = static_cast<std::uint16_t>(has_row ? row : -1);
  if (has_row) {
    plan.pair_expert[thread] = static_cast<std::uint16_t>(expert);
    plan.row_pair[row] = static_cast<std::uint16_t>(thread);
    plan.row_token[row] = static_cast<std::uint16_t>(token);
  }
  if (begins_group) atomicOr(&memory.heads[row / 32], 1U << (row % 32));
  const int num_rows = __syncthreads_count(has_row ? 1 : 0);

  int group = 0, num_groups = 0;
#pragma unroll
  for (int w = 0; w < RouterMemory::kMaxWords; ++w) {
    const std::uint32_t heads = memory.heads[w];
    num_groups += __popc(heads);
    if (w < row / 32) group += __popc(heads);
    if (w == row / 32) group += __popc(heads & ((1U << (row % 32)) - 1));
  }
  if (has_row && params.expert_map == nullptr)
    plan.token_row[group - (begins_group ? 0 : 1)][token] = static_cast<std::int16_t>(row);
  if (begins_group) {
    plan.group_expert[group] = static_cast<std::uint16_t>(expert);
    plan.group_row[group] = static_cast<std::uint16_t>(row);
  }
  if (thread == kFusedThreads - 1) {
    plan.num_groups = num_groups;
    plan.num_rows = num_rows;
    plan.group_row[num_groups] = static_cast<std::uint16_t>(num_rows);
  }
  __syncthreads();
}

/// Whether this block weighs pairs by itself: all do where rows of gate_up are weighed, and where no
/// meeting of all blocks comes before down.
template <bool kMeets>
[[nodiscard]] __device__ __forceinline__ bool weighs_pairs(const FusedArguments& arguments) {
  return !kMeets || stream_memory().leads || arguments.gate_up.pair_weights != nullptr;
}

/// The weights of the warp's own pairs behind route_rows.
template <class Ctx>
__device__ __forceinline__ void weigh_own(const FusedArguments& arguments) {
  const int token = own_token(arguments.plan);
  if (token < 0) return;
  with_recipe(arguments.route,
              [&]<int kPerLane, simt::Ranking kBy> { weigh_pairs<Ctx, kPerLane, kBy>(token); });
}

/// The plan of the call, as stage "route_plan" leaves it, beside what weigh_pairs does. is_lone: rows
/// are those of a lone token. One block; ends with a block barrier.
template <class Ctx>
__device__ __forceinline__ void publish_plan(const SharedPlan<Planning::blocks>& plan,
                                             const PlanParams& params, bool is_lone) {
  RouterMemory& memory = router_memory();
  Ctx ctx(router_scratch().placer);
  auto rows = ctx.template shared<std::int32_t>(kFusedMaxExperts);
  simt::Placer<Ctx> placer(ctx, params, 31 - __clz(params.block_size));
  const int thread = static_cast<int>(threadIdx.x);
#pragma unroll 1
  for (int e = thread; e < params.num_local_experts; e += kFusedThreads) rows[e] = 0;
  __syncthreads();
  const std::uint32_t expert = memory.experts[thread];
  if (expert != RouterMemory::kSkipped) atomicAdd(&rows[expert], 1);
  __syncthreads();
  placer.scan([&](std::int32_t e) { return rows[e]; }, true);
  const int live = live_count(params.live_tokens, params.num_tokens);
  if (thread < live * params.top_k) {
    const auto e = static_cast<std::int32_t>(expert);
    const int rank = e < 0 || is_lone ? 0 : plan.pair_row[thread] - placer.starts[e].first;
    placer.place(thread, thread / params.top_k, e, rank);
  }
  placer.pad_all(thread, kFusedThreads);
  placer.fill_tails(thread, kFusedThreads);
  __syncthreads();
}

}  // namespace switchyard::kernels::sm90
