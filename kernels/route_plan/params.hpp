// SPDX-License-Identifier: Apache-2.0
// Stage "route_plan": route and plan as one. Leaves what the two leave, bit for bit.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string_view>

#include "kernels/param_block.hpp"
#include "kernels/plan/params.hpp"
#include "kernels/route/params.hpp"
#include "switchyard/index.hpp"

namespace switchyard::kernels {

/// Tokens are routed and counted in tiles, each by one block. Small tiles keep many blocks at work;
/// a tile has few pairs.
inline constexpr std::int32_t kMaxTilePairs = 1024;
/// Up to so many tiles, every block that places pairs sums the counts of all tiles itself.
inline constexpr std::int32_t kFewTiles = 128;

/// Tokens of a tile: 8 for up to 1024 tokens, 16 for up to 16384, else 64 or what kMaxTilePairs
/// allows.
inline constexpr std::int32_t kMinTileTokens = 8;
[[nodiscard]] constexpr std::int32_t tile_tokens(std::int32_t num_tokens,
                                                 std::int32_t top_k) noexcept {
  if (num_tokens <= 1024) return kMinTileTokens;
  std::int32_t tokens = 16;
  while (num_tokens > 16'384 && tokens < 64 && 2 * tokens * top_k <= kMaxTilePairs) tokens *= 2;
  return tokens;
}
[[nodiscard]] constexpr std::int32_t route_plan_tiles(std::int32_t num_tokens,
                                                      std::int32_t top_k) noexcept {
  const std::int32_t tokens = tile_tokens(num_tokens, top_k);
  return num_tokens <= tokens ? 1 : (num_tokens + tokens - 1) / tokens;
}
/// The most tiles that any number of tokens up to num_tokens has.
[[nodiscard]] constexpr std::int32_t most_tiles(std::int32_t num_tokens,
                                                std::int32_t top_k) noexcept {
  std::int32_t most = route_plan_tiles(num_tokens, top_k);
  for (const std::int32_t last : {1024, 16'384}) {
    const std::int32_t before = num_tokens < last ? most : route_plan_tiles(last, top_k);
    most = before > most ? before : most;
  }
  return most;
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
  const std::int64_t most =
      most_tiles(static_cast<std::int32_t>(num_tokens), static_cast<std::int32_t>(top_k));
  const std::int64_t tiles =
      (most + 3) / 4 * 4;  // so that counts of tiles can be read four at once
  return tiles > kFewTiles ? tiles * words + (tiles + 1) * num_experts : tiles * words;
}

/// What a stage behind this one counts with, at the end of PlanParams::scratch: some, and one for
/// each local expert.
inline constexpr std::int32_t kNumStageCounters = 66;
[[nodiscard]] constexpr std::int32_t num_counters(std::int64_t num_local_experts) noexcept {
  return kNumStageCounters + static_cast<std::int32_t>(num_local_experts);
}

/// Elements of PlanParams::scratch that serve this stage, stage "plan" and a stage behind them.
[[nodiscard]] constexpr std::int64_t planning_scratch_size(std::int64_t num_tokens,
                                                           std::int64_t top_k,
                                                           std::int64_t num_experts) noexcept {
  const std::int64_t plan = plan_scratch_size(num_tokens * top_k, num_experts);
  const std::int64_t route_plan = route_plan_scratch_size(num_tokens, top_k, num_experts);
  return (plan > route_plan ? plan : route_plan) + num_counters(num_experts);
}

/// Where a stage behind this one finds its counters, in a scratch of planning_scratch_size.
[[nodiscard]] constexpr std::int32_t* stage_counters(const PlanParams& plan) noexcept {
  return plan.scratch + planning_scratch_size(plan.num_tokens, plan.top_k, plan.num_local_experts) -
         num_counters(plan.num_local_experts);
}
[[nodiscard]] constexpr std::int32_t* expert_counters(const PlanParams& plan) noexcept {
  return stage_counters(plan) + kNumStageCounters;
}

/// How the SIMT bodies share the work out. Their launch fills it in: it knows the waves, and a lane
/// would need divisions. What has a `_bits` is a power of two.
struct RoutePlanTiles {
  std::int32_t tokens;           // of a tile
  std::int32_t wave_token_bits;  // of the tokens of a wave, one after the other
  std::int32_t count;
  std::int32_t words;       // count_words of the local experts
  std::int32_t sharers;     // threads of a placer that share a word of the sums over tiles
  std::int32_t block_bits;  // of block_size
};

struct RoutePlanParams {
  RouteParams route;
  PlanParams plan;  // scratch: [planning_scratch_size(T, K, num_local_experts)]
  // Where the caller chose: copied to selected_ids and pair_weights, and `route` is not looked at.
  const ExpertId* given_ids;   // [T, K], or null: routed
  const float* given_weights;  // [T, K], with given_ids
  RoutePlanTiles tiles;        // of the SIMT bodies alone
  std::int32_t* counters;      // [cleared] set to zero for a stage behind, or null
  std::int32_t cleared;        // kNumStageCounters, or num_counters(E)
};
static_assert(kIsFusedParamBlock<RoutePlanParams>);

struct RoutePlan {
  using Params = RoutePlanParams;
  static constexpr std::string_view kName = "route_plan";
};

}  // namespace switchyard::kernels
