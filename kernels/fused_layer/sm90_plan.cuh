// SPDX-License-Identifier: Apache-2.0
// The plan of a call, from the eight buffers to what the fused layer kernel keeps in shared memory.
#pragma once

#include <cstdint>

#include "kernels/fused_layer/sm90_arguments.hpp"
#include "kernels/fused_layer/sm90_memory.hpp"

namespace switchyard::kernels::sm90 {

/// The rows, tokens and weights of pairs, as far as the call reads them. From the last thread on:
/// the first have experts to look at.
__device__ inline void load_pairs(SharedPlan<Planning::stage>& plan,
                                  const FusedArguments& arguments) {
  const PlanParams& from = arguments.plan;
  const int num_pairs = from.num_tokens * from.top_k;
  const bool needs_experts = arguments.down.bias != nullptr;
#pragma unroll 1
  for (int i = kFusedThreads - 1 - static_cast<int>(threadIdx.x); i < num_pairs;
       i += kFusedThreads) {
    const int row = value_of(from.pairs_by_token[i]);
    plan.row_token[i] = static_cast<std::uint16_t>(value_of(from.packed_token_idx[i]));
    plan.pair_weight[i] = from.pair_weights[i];
    plan.pair_row[i] = static_cast<std::uint16_t>(row);
    if (row < 0) continue;
    plan.row_pair[row] = static_cast<std::uint16_t>(i);
    if (!needs_experts) continue;
    const int id = value_of(from.selected_ids[i]);
    plan.pair_expert[i] =
        static_cast<std::uint16_t>(from.expert_map == nullptr ? id : from.expert_map[id]);
  }
}

/// All threads; ends with a block barrier. A thread looks at two neighbouring experts.
template <int kGroupRows>
__device__ void make_plan(SharedPlan<Planning::stage>& plan, const FusedArguments& arguments) {
  static_assert(2 * kFusedThreads >= kFusedMaxExperts);
  const int lane = static_cast<int>(threadIdx.x & 31U);
  const int warp = static_cast<int>(threadIdx.x >> 5U);
  const int num_experts = arguments.plan.num_local_experts;
  int row[3];  // where the two experts' rows start, and where they end
#pragma unroll
  for (int i = 0; i < 3; ++i)
    row[i] = value_of(
        arguments.plan.expert_offsets[min(2 * static_cast<int>(threadIdx.x) + i, num_experts)]);
  load_pairs(plan, arguments);
  const auto groups_of = [&](int i) { return (row[i + 1] - row[i] + kGroupRows - 1) / kGroupRows; };
  const int own = groups_of(0) + groups_of(1);
  int upto = own;
#pragma unroll
  for (int distance = 1; distance < 32; distance *= 2) {
    const int below = __shfl_up_sync(~0U, upto, distance);
    if (lane >= distance) upto += below;
  }
  if (lane == 31) plan.warp_groups[warp] = upto;
  __syncthreads();
  int group = upto - own;
  int total = 0;
#pragma unroll
  for (int w = 0; w < kFusedWarps; ++w) {
    const int groups = plan.warp_groups[w];
    if (w < warp) group += groups;
    total += groups;
  }
#pragma unroll
  for (int i = 0; i < 2; ++i)
#pragma unroll 1
    for (int r = row[i]; r < row[i + 1]; r += kGroupRows, ++group) {
      plan.group_expert[group] = static_cast<std::uint16_t>(2 * static_cast<int>(threadIdx.x) + i);
      plan.group_row[group] = static_cast<std::uint16_t>(r);
    }
  if (threadIdx.x == kFusedThreads - 1) {
    plan.num_groups = total;
    plan.num_rows = row[2];
    plan.group_row[total] = static_cast<std::uint16_t>(row[2]);
  }
  __syncthreads();
}

}  // namespace switchyard::kernels::sm90
