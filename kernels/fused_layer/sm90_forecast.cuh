// SPDX-License-Identifier: Apache-2.0
// Before the plan is there, the fused layer kernel guesses which weights it reads first and has them
// brought to the L2 cache: memory would idle while route_plan is at work.
//
// The kernel starts once route_plan has seen its own predecessors end, so that a token's logits are
// there already. Up to kForecastTokens tokens are routed by their logits alone; more choose nearly
// every expert, and are taken to choose all. Then a block's guess is the start of what a first
// ticket is worth. Guesses are hints: no result depends on them, nor on what they were made from.
#pragma once

#include <cstdint>

#include "kernels/elements.hpp"
#include "kernels/fused_layer/sm90_arguments.hpp"
#include "kernels/fused_layer/sm90_cursor.cuh"
#include "kernels/math.hpp"
#include "kernels/route_plan/params.hpp"
#include "kernels/simt_elements.hpp"
#include "kernels/sm90/copy.cuh"

namespace switchyard::kernels::sm90 {

inline constexpr int kForecastTokens = 2 * kFusedWarps;
/// What a block asks for: what memory brings until the plan is there.
inline constexpr int kRoutedForecastBytes = 128 * 1024;
inline constexpr int kForecastBytes = 64 * 1024;

/// A bit per local expert.
struct ExpertSet {
  static constexpr int kWords = kFusedMaxExperts / 32;
  std::uint32_t words[kWords];
};

/// Adds what a pair with this id reads. By any thread.
__device__ __forceinline__ void add_expert(ExpertSet& set, const PlanParams& plan, int id) {
  if (id < 0 || id >= plan.num_experts) return;
  const int local = plan.expert_map == nullptr ? id : plan.expert_map[id];
  if (local < 0 || local >= plan.num_local_experts) return;
  atomicOr(&set.words[local / 32], 1U << (local % 32));
}

/// Adds the experts with the K greatest logits of a token, of equal ones maybe more. By a warp;
/// rows are at most 32 * kPerLane wide.
template <int kPerLane>
__device__ __forceinline__ void add_best(ExpertSet& set, const RoutePlanParams& params, int token) {
  const RouteParams& route = params.route;
  const int lane = static_cast<int>(threadIdx.x & 31U);
  std::uint32_t keys[kPerLane];  // 0: taken, or no expert
  with_type_of(route.logits_dtype, [&](auto stored) {
#pragma unroll
    for (int j = 0; j < kPerLane; ++j) {
      const int e = j * 32 + lane;
      keys[j] = 0;
      if (e < route.num_experts)
        keys[j] = 1 + order_key(simt::load<decltype(stored)>(
                          route.router_logits, std::int64_t{token} * route.num_experts + e));
    }
  });
#pragma unroll 1
  for (int k = 0; k < route.top_k; ++k) {
    std::uint32_t own = keys[0];
#pragma unroll
    for (int j = 1; j < kPerLane; ++j) own = max(own, keys[j]);
    const std::uint32_t best = __reduce_max_sync(~0U, own);
    if (own != best) continue;
#pragma unroll
    for (int j = 0; j < kPerLane; ++j)
      if (keys[j] == best) {
        add_expert(set, params.plan, j * 32 + lane);
        keys[j] = 0;
      }
  }
}

/// Adds the experts of a token. By a warp.
__device__ __forceinline__ void add_token(ExpertSet& set, const RoutePlanParams& params,
                                          int token) {
  if (params.given_ids != nullptr) {
    const int top_k = params.plan.top_k;
    for (int k = static_cast<int>(threadIdx.x & 31U); k < top_k; k += 32)
      add_expert(set, params.plan, value_of(params.given_ids[token * top_k + k]));
  } else if (params.route.num_experts <= 128) {
    add_best<4>(set, params, token);
  } else {
    add_best<kFusedMaxExperts / 32>(set, params, token);
  }
}

/// The experts that the call is taken to read. All threads; ends with a block barrier.
__device__ inline void guess_experts(ExpertSet& set, const RoutePlanParams& params) {
  const PlanParams& plan = params.plan;
  const int thread = static_cast<int>(threadIdx.x);
  const bool routes = plan.num_tokens <= kForecastTokens;
  if (thread < ExpertSet::kWords) {
    const int left = plan.num_local_experts - thread * 32;
    const std::uint32_t all = left >= 32 ? ~0U : left <= 0 ? 0U : (1U << left) - 1U;
    set.words[thread] = routes ? 0U : all;
  }
  __syncthreads();
  if (!routes) return;
  const int tokens = live_count(plan.live_tokens, plan.num_tokens);
#pragma unroll 1
  for (int token = thread / 32; token < tokens; token += kFusedWarps)
    add_token(set, params, token);
  __syncthreads();
}

/// Number `n` of the set's experts, which are more than n.
[[nodiscard]] __device__ __forceinline__ int nth_expert(const ExpertSet& set, int n) {
  int word = 0;
  for (int count; (count = __popc(set.words[word])) <= n; n -= count) ++word;
  std::uint32_t bits = set.words[word];
  for (; n > 0; --n) bits &= bits - 1;
  return word * 32 + __ffs(static_cast<int>(bits)) - 1;
}

/// All threads, before anything is known. `set`: shared memory that nobody uses yet.
__device__ inline void forecast(ExpertSet& set, const FusedArguments& arguments,
                                const WeightStack& gate_up, const WarpPieces& own) {
  guess_experts(set, arguments.route_plan);
  int experts = 0;
#pragma unroll
  for (int i = 0; i < ExpertSet::kWords; ++i) experts += __popc(set.words[i]);
  const Divisor strips = arguments.tuning.gate_up_strips;
  const int blocks = static_cast<int>(gridDim.x), block = static_cast<int>(blockIdx.x);
  const UnitShare share = share_units(experts * static_cast<int>(strips.value), blocks);
  const bool routed = arguments.route_plan.plan.num_tokens <= kForecastTokens;
  const int room = (routed ? kRoutedForecastBytes : kForecastBytes) / kPieceBytes / gate_up.pieces;
  const int first = block * max(share.share, 1);
  const int last = min(first + min(max(share.share, 1), max(room, 1)), share.num_units);
#pragma unroll 1
  for (int unit = first; unit < last; ++unit) {
    const int n = strips.divide(unit);
    const char* const source =
        piece_of(gate_up, nth_expert(set, n), unit - n * static_cast<int>(strips.value), own.first);
    const int lane = static_cast<int>(threadIdx.x & 31U);
    if (lane < own.count) bulk_prefetch(source + lane * std::int64_t{kTileBytes}, kPieceBytes);
  }
}

}  // namespace switchyard::kernels::sm90
