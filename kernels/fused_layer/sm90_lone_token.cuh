// SPDX-License-Identifier: Apache-2.0
// The plan of a lone token by each block of the fused layer kernel: its experts are distinct, so
// that each is a group of one row. Rows come in the order of the choice: all but which experts they
// are of is known before there are logits.
#pragma once

#include <cstdint>

#include "kernels/fused_layer/sm90_router.cuh"

namespace switchyard::kernels::sm90 {

inline constexpr int kLoneMaxExperts = kFusedThreads / 2;

/// Whether a call is of a token whose experts are ranked by their logits, two threads for each.
[[nodiscard]] __device__ __forceinline__ bool is_lone_token(const FusedArguments& arguments) {
  return arguments.plan.num_tokens == 1 && arguments.plan.expert_map == nullptr &&
         arguments.route.num_experts <= kLoneMaxExperts &&
         simt::ranking_of(arguments.route) == simt::Ranking::logits;
}

/// What SharedPlan holds beside experts, before the predecessors are waited for. A block barrier
/// follows.
__device__ __forceinline__ void prepare_lone_rows(SharedPlan<Planning::blocks>& plan, int top_k) {
  const int k = static_cast<int>(threadIdx.x);
  if (k > top_k) return;
  const auto row = static_cast<std::uint16_t>(k);
  plan.group_row[k] = row;
  if (k == top_k) return;
  plan.pair_row[k] = row;
  plan.row_pair[k] = row;
  plan.row_token[k] = 0;
  plan.token_row[k][0] = static_cast<std::int16_t>(k);
}

/// How many of the experts are better than expert `e`, which two neighbouring threads find out:
/// those with a greater key, or the same and a lower number.
[[nodiscard]] __device__ __forceinline__ int count_better(const std::uint32_t* keys, int num_experts,
                                                          int e) {
  const int half = static_cast<int>(threadIdx.x & 1U);
  const std::uint32_t own = keys[e];
  const std::uint32_t at_least = own - 1;  // a key of an expert is above 0
  int better = 0;
#pragma unroll 4
  for (int first = 4 * half; first < num_experts; first += 8) {
    const uint4 others = *reinterpret_cast<const uint4*>(keys + first);
    const std::uint32_t other[4] = {others.x, others.y, others.z, others.w};
#pragma unroll
    for (int j = 0; j < 4; ++j) better += other[j] > (first + j < e ? at_least : own) ? 1 : 0;
  }
  return better + __shfl_xor_sync(~0U, better, 1);
}

/// What SharedPlan lacks. All threads; a block barrier follows. share_out(groups) is called as soon
/// as there is a number of groups.
template <class Ctx, class ShareOut>
__device__ __forceinline__ void route_lone_token(SharedPlan<Planning::blocks>& plan,
                                                 const FusedArguments& arguments,
                                                 ShareOut share_out) {
  RouterMemory& memory = router_memory();
  const RouteParams& params = arguments.route;
  const int thread = static_cast<int>(threadIdx.x);
  std::uint32_t* const keys = router_scratch().keys;
  const int live = live_count(arguments.plan.live_tokens, 1);
  float logit = 0;
  if (thread < params.num_experts)
    with_type_of(params.logits_dtype, [&](auto stored) {
      logit = simt::load<decltype(stored)>(params.router_logits, thread);
    });
  const int num_groups = live * params.top_k;
  share_out(num_groups);
  if (thread == 0) {
    plan.num_groups = num_groups;
    plan.num_rows = num_groups;
  }
  if (thread < kLoneMaxExperts)
    keys[thread] = thread < params.num_experts ? simt::candidate_key(logit) : 0U;
  __syncthreads();
  const int e = thread / 2;
  const int k = count_better(keys, params.num_experts, e);
  if (e >= params.num_experts || k >= num_groups || thread % 2 != 0) return;
  memory.chosen[k] = e;
  memory.experts[k] = static_cast<std::uint32_t>(e);
  plan.pair_expert[k] = static_cast<std::uint16_t>(e);
  plan.group_expert[k] = static_cast<std::uint16_t>(e);
}

}  // namespace switchyard::kernels::sm90
