// SPDX-License-Identifier: Apache-2.0
// Routing in the fused layer kernel, by the arithmetic of stage "route_plan"
// (kernels/route/simt_token_router.hpp): what one warp does with one token. Steps are called, one
// copy of each in the program.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/fused_layer/sm90_arguments.hpp"
#include "kernels/fused_layer/sm90_cursor.cuh"
#include "kernels/route/simt_register_row.hpp"
#include "kernels/route/simt_scores.hpp"
#include "kernels/route/simt_token_router.hpp"
#include "kernels/simt.hpp"
#include "switchyard/dtype.hpp"

namespace switchyard::kernels::sm90 {

/// Behind the partial sums of gate_up, which may begin before all is weighed; until down begins.
struct RouterMemory {
  static constexpr int kMaxWords = kRoutedMaxPairs / 32;

  RouteParams params;
  std::uint32_t heads[kMaxWords];        // bit per row: begins a group
  std::int32_t chosen[kRoutedMaxPairs];  // by pair
  // By thread, which is the pair's number: local; kSkipped: none, behind all others.
  alignas(16) std::uint32_t experts[kFusedThreads];

  static constexpr std::uint32_t kSkipped = ~0U;
};
/// In the place of the partial sums, before these.
union alignas(16) RouterScratch {
  std::uint32_t keys[kRoutedMaxKeys];  // of experts and groups, by token
  std::byte placer[simt::shared_bytes<std::int32_t>(kFusedMaxExperts) +
                   simt::shared_bytes<simt::SumPair>(kFusedMaxExperts + 1) +
                   simt::shared_bytes<simt::SumPair>(kFusedWarps)];
};
using RoutingMemory = FusedMemory<Planning::blocks>;
static_assert(sizeof(RouterMemory) <= kRouterBytes);
static_assert(sizeof(RouterScratch) <= kRouterScratchBytes);
static_assert(2 * kFusedWarps * kStripRows * 8 * sizeof(float) <= kRouterScratchBytes);  // partials
static_assert(kRoutedMaxTokens <= kFusedWarps && kRoutedMaxPairs <= kFusedThreads);
static_assert(sizeof(SharedPlan<Planning::blocks>::token_row[0]) == sizeof(uint4));

[[nodiscard]] __device__ __forceinline__ RouterMemory& router_memory() {
  extern __shared__ __align__(1024) char memory[];
  return *reinterpret_cast<RouterMemory*>(memory + RoutingMemory::kWork + kRouterScratchBytes);
}
[[nodiscard]] __device__ __forceinline__ RouterScratch& router_scratch() {
  extern __shared__ __align__(1024) char memory[];
  return *reinterpret_cast<RouterScratch*>(memory + RoutingMemory::kWork);
}

/// Whether experts are ranked by several warps: by scores of their own each, where a warp has one
/// slice of a token's experts at most.
[[nodiscard]] __device__ __forceinline__ bool ranks_apart(const RouteParams& params) {
  return simt::ranking_of(params) == simt::Ranking::selections &&
         params.score != ScoreFunction::softmax &&
         params.num_tokens * ((params.num_experts + 31) / 32) <= kFusedWarps;
}
/// Of a token's experts and its groups.
[[nodiscard]] __device__ __forceinline__ std::uint32_t* router_keys(const RouteParams& params,
                                                                    int token) {
  return router_scratch().keys + token * (params.num_experts + params.num_groups);
}

/// The keys of 32 experts of a token, by one warp.
template <class Ctx>
__device__ __noinline__ void rank_slice(int token, int slice) {
  RouteParams params = router_memory().params;
  std::uint32_t* const keys = router_keys(params, token);
  const int first = 32 * slice;
  const std::int64_t at = std::int64_t{token} * params.num_experts + first;
  params.router_logits = static_cast<const std::byte*>(params.router_logits) +
                         at * static_cast<std::int64_t>(size_of(params.logits_dtype));
  if (params.correction_bias != nullptr) params.correction_bias += first;
  params.num_experts -= first;
  Ctx ctx(nullptr);
  simt::RegisterRow<Ctx, 1, simt::Ranking::selections> row{ctx, params, {}, {}, {}};
  row.load_row(0);
  row.rank(simt::RowScores<Ctx>{ctx, params});
  if (row.is_expert(0)) keys[first + row.expert(0)] = row.keys[0];
}

/// The experts of a token, by one warp.
template <class Ctx, int kPerLane, simt::Ranking kBy>
__device__ __noinline__ void select_experts(int token) {
  RouterMemory& memory = router_memory();
  const RouteParams params = memory.params;
  Ctx ctx(nullptr);
  simt::TokenRouter<Ctx, kPerLane, kBy> router(ctx, params);
  router.load(token);
  std::int32_t* const chosen = memory.chosen + token * params.top_k;
  std::uint32_t* const keys = router_keys(params, token);
  if (kBy == simt::Ranking::selections && ranks_apart(params)) {
    router.take_ranked(keys);
  } else {
    if constexpr (kBy == simt::Ranking::selections) router.prepare();
    router.rank();
  }
  router.choose(chosen, keys, keys + params.num_experts);
}

/// The weights of its pairs, by one warp. The block that leads leaves them, and the experts, to the
/// plan.
template <class Ctx, int kPerLane, simt::Ranking kBy>
__device__ __noinline__ void weigh_pairs(int token) {
  const RouteParams params = router_memory().params;
  Ctx ctx(nullptr);
  simt::TokenRouter<Ctx, kPerLane, kBy> router(ctx, params);
  router.load(token);
  router.prepare();
  const int pairs = token * params.top_k;
  const std::int32_t* const chosen = router_memory().chosen + pairs;
  router.weigh(chosen, [&](std::int32_t k, std::int32_t expert, float weight) {
    shared_plan<Planning::blocks>().pair_weight[pairs + k] = weight;
    if (!stream_memory().leads) return;
    params.selected_ids[pairs + k] = ExpertId{expert};
    params.pair_weights[pairs + k] = weight;
  });
}

/// Calls step.template operator()<kPerLane, kBy>() with those of the recipe.
template <class Step>
__device__ __forceinline__ void with_recipe(const RouteParams& params, Step step) {
  using simt::Ranking;
  const bool by_logits = simt::ranking_of(params) == Ranking::logits;
  if (params.num_experts <= 128)
    return by_logits ? step.template operator()<4, Ranking::logits>()
                     : step.template operator()<4, Ranking::selections>();
  if (params.num_experts <= 256)
    return by_logits ? step.template operator()<8, Ranking::logits>()
                     : step.template operator()<8, Ranking::selections>();
  return by_logits ? step.template operator()<16, Ranking::logits>()
                   : step.template operator()<16, Ranking::selections>();
}

/// Before the predecessors are waited for. All threads; ends with a block barrier.
__device__ __forceinline__ void prepare_router(SharedPlan<Planning::blocks>& plan,
                                               const RouteParams& params) {
  RouterMemory& memory = router_memory();
  const int thread = static_cast<int>(threadIdx.x);
  memory.experts[thread] = RouterMemory::kSkipped;
  if (thread < plan.kMaxGroups)
    *reinterpret_cast<uint4*>(plan.token_row[thread]) = make_uint4(~0U, ~0U, ~0U, ~0U);
  if (thread < RouterMemory::kMaxWords) memory.heads[thread] = 0;
  if (thread == 0) memory.params = params;
  __syncthreads();
}

}  // namespace switchyard::kernels::sm90
