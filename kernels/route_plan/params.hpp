// SPDX-License-Identifier: Apache-2.0
// Stage "route_plan": route and plan as one. Leaves what the two leave, bit for bit.
#pragma once

#include <cstdint>
#include <string_view>

#include "kernels/param_block.hpp"
#include "kernels/plan/params.hpp"
#include "kernels/route/params.hpp"
#include "switchyard/index.hpp"

namespace switchyard::kernels {

/// Tokens are routed and counted in tiles, each by one block. A tile has few pairs, and there are
/// few tiles while that allows: every block of the launch that follows reads the counts of all.
inline constexpr std::int32_t kMaxTilePairs = 1024;
inline constexpr std::int32_t kFewTiles = 512;
/// The smallest tile. Up to so many tokens are one, and the stage is one launch.
inline constexpr std::int32_t kMinTileTokens = 8;

/// Tokens of a tile: a power of two from 8 to 64.
[[nodiscard]] constexpr std::int32_t tile_tokens(std::int32_t num_tokens,
                                                 std::int32_t top_k) noexcept {
  std::int32_t tokens = kMinTileTokens;
  while (tokens * kFewTiles < num_tokens && tokens < 64 && 2 * tokens * top_k <= kMaxTilePairs)
    tokens *= 2;
  return tokens;
}
[[nodiscard]] constexpr std::int32_t route_plan_tiles(std::int32_t num_tokens,
                                                      std::int32_t top_k) noexcept {
  const std::int32_t tokens = tile_tokens(num_tokens, top_k);
  return num_tokens <= tokens ? 1 : (num_tokens + tokens - 1) / tokens;
}

/// Tiles whose pairs one block places: few blocks sum the counts of all.
[[nodiscard]] constexpr std::int32_t tiles_per_placer(std::int32_t tiles) noexcept {
  return tiles <= kFewTiles ? (tiles + 127) / 128 : 1;
}

/// Counts of two neighbouring experts share a word.
[[nodiscard]] constexpr std::int32_t count_words(std::int32_t num_experts) noexcept {
  return (num_experts + 1) / 2;
}

/// Elements of PlanParams::scratch that the stage uses, for any number of tokens up to num_tokens:
/// counts per tile; where there are many tiles, behind them each tile's start within the experts,
/// and the rows of the experts.
[[nodiscard]] constexpr std::int64_t route_plan_scratch_size(std::int64_t num_tokens,
                                                             std::int64_t top_k,
                                                             std::int64_t num_experts) noexcept {
  const std::int64_t words = count_words(static_cast<std::int32_t>(num_experts));
  const std::int64_t tiles =
      route_plan_tiles(static_cast<std::int32_t>(num_tokens), static_cast<std::int32_t>(top_k));
  const std::int64_t most = (num_tokens + kMinTileTokens - 1) / kMinTileTokens;
  const std::int64_t few = most < 1 ? 1 : (most < kFewTiles ? most : kFewTiles);
  return tiles > kFewTiles ? tiles * words + (tiles + 1) * num_experts : few * words;
}

/// What a stage behind this one counts with, at the end of PlanParams::scratch.
inline constexpr std::int32_t kNumStageCounters = 4;

/// Elements of PlanParams::scratch that serve this stage, stage "plan" and a stage behind them.
[[nodiscard]] constexpr std::int64_t planning_scratch_size(std::int64_t num_tokens,
                                                           std::int64_t top_k,
                                                           std::int64_t num_experts) noexcept {
  const std::int64_t plan = plan_scratch_size(num_tokens * top_k, num_experts);
  const std::int64_t route_plan = route_plan_scratch_size(num_tokens, top_k, num_experts);
  return (plan > route_plan ? plan : route_plan) + kNumStageCounters;
}

/// Where a stage behind this one finds its counters, in a scratch of planning_scratch_size.
[[nodiscard]] constexpr std::int32_t* stage_counters(const PlanParams& plan) noexcept {
  return plan.scratch + planning_scratch_size(plan.num_tokens, plan.top_k, plan.num_local_experts) -
         kNumStageCounters;
}

struct RoutePlanParams {
  RouteParams route;
  PlanParams plan;  // scratch: [planning_scratch_size(T, K, num_local_experts)]
  // Where the caller chose: copied to selected_ids and pair_weights, and `route` is not looked at.
  const ExpertId* given_ids;   // [T, K], or null: routed
  const float* given_weights;  // [T, K], with given_ids
  std::int32_t* counters;      // [kNumStageCounters] set to zero for a stage behind, or null
};
static_assert(kIsFusedParamBlock<RoutePlanParams>);

struct RoutePlan {
  using Params = RoutePlanParams;
  static constexpr std::string_view kName = "route_plan";
};

}  // namespace switchyard::kernels
