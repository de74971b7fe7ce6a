// SPDX-License-Identifier: Apache-2.0
// How the fused layer kernel for sm_90 is built and cut for a call: pure functions of its extents.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "kernels/fused_layer/sm90_shape.hpp"

namespace switchyard::kernels::sm90 {

/// The extents that tuning goes by.
struct FusedExtents {
  std::int64_t num_tokens;
  std::int64_t top_k;
  std::int64_t num_experts;  // that the router chooses from
  std::int64_t local_experts;
  std::int64_t hidden_size;
  std::int64_t intermediate_size;
  std::int64_t products;  // rows of gate_up per feature
};

/// Stages of a row of H elements that one warp multiplies, at most.
[[nodiscard]] constexpr std::int64_t warp_stages(std::int64_t hidden_size) noexcept {
  return (hidden_size + kFusedWarps * kStageWidth - 1) / (kFusedWarps * kStageWidth);
}

/// The build whose warps hold their share of a row; stages 0: none does.
[[nodiscard]] constexpr FusedBuild fused_build(std::int64_t hidden_size) noexcept {
  for (const FusedBuild& build : kFusedBuilds)
    if (warp_stages(hidden_size) <= build.stages) return build;
  return {0, 0};
}

/// The build for a call. Routed experts of a token are distinct; what a map makes of them may not
/// be.
[[nodiscard]] constexpr FusedBuild fused_build(std::int64_t hidden_size, Planning planning,
                                               bool maps_experts) noexcept {
  const FusedBuild build = fused_build(hidden_size);
  if (!maps_experts || !holds_tokens(build.stages, planning)) return build;
  for (const FusedBuild& other : kFusedBuilds)
    if (other.stages > build.stages && !holds_tokens(other.stages, planning)) return other;
  return {0, 0};
}

/// Strips of one expert's gate_up.
[[nodiscard]] constexpr std::int64_t gate_up_strips(const FusedExtents& call) noexcept {
  return call.intermediate_size * call.products / kStripRows;
}

/// Whether the kernel has room for the call: every warp has a share of H, pieces are whole, units
/// can be divided by strips.
[[nodiscard]] constexpr bool fits_fused(const FusedExtents& call) noexcept {
  return call.num_tokens <= kFusedMaxTokens && call.num_tokens * call.top_k <= kFusedMaxPairs &&
         call.num_experts <= kFusedMaxExperts && call.hidden_size % kTileWidth == 0 &&
         call.intermediate_size % kTileWidth == 0 &&
         call.hidden_size > (kFusedWarps - 1) * kStageWidth &&
         fused_build(call.hidden_size).stages > 0 &&
         kFusedMaxPairs * gate_up_strips(call) * gate_up_strips(call) < std::int64_t{1} << 32;
}

/// Whether the kernel is faster than the products of the stages. It reads an expert twice that
/// needs two groups: an evenly loaded one fills at most half of one. Beyond 32 tokens it pays where
/// such an expert has at most two rows; else those with most of the rows take too long.
[[nodiscard]] constexpr bool suits_fused(const FusedExtents& call) noexcept {
  const std::int64_t pairs = call.num_tokens * call.top_k;
  const std::int64_t group = 8 * fused_build(call.hidden_size).tiles;
  return fits_fused(call) && 2 * pairs <= group * call.num_experts &&
         (call.num_tokens <= 32 || pairs <= 2 * call.num_experts);
}

/// Local experts that have rows, where tokens choose evenly.
[[nodiscard]] inline double expected_active(const FusedExtents& call) {
  const double share = static_cast<double>(call.top_k) / static_cast<double>(call.num_experts);
  return static_cast<double>(call.local_experts) *
         (1.0 - std::pow(1.0 - share, static_cast<double>(call.num_tokens)));
}

/// Segments of down's inner dimension: the fewest rounds of the block's warps over the items that
/// are expected, an item costing three quarters of a stage beside its stages. Where down begins
/// with the groups that are there, no warp's only item is of one that comes last.
[[nodiscard]] inline int down_split(const FusedExtents& call) {
  const auto stages = static_cast<double>((call.intermediate_size + kStageWidth - 1) / kStageWidth);
  const double groups = std::max(1.0, std::round(expected_active(call)));
  // As much as where blocks route, if they can: who plans has no part in it.
  const std::int64_t pairs = std::max<std::int64_t>(1, call.num_tokens * call.top_k);
  const std::int64_t room = (pairs > kRoutedMaxPairs ? kFusedMaxPairs : kRoutedMaxPairs) / pairs;
  const double fewest_rounds = has_sections(fused_build(call.hidden_size).stages) ? 2.0 : 1.0;
  int best = 1;
  double best_cost = 0.0;
  for (int split = 1; split <= std::min<std::int64_t>(room, static_cast<std::int64_t>(stages));
       ++split) {
    const double rounds = std::max(fewest_rounds, std::ceil(groups * split / kFusedWarps));
    const double cost = rounds * (stages / split + 0.75);
    if (split == 1 || cost < best_cost) {
      best = split;
      best_cost = cost;
    }
  }
  return best;
}

/// Stages in flight per warp.
[[nodiscard]] constexpr int fused_ring(const FusedExtents& call, const FusedBuild& build,
                                       Planning planning) noexcept {
  if (call.num_tokens <= kPairedMaxTokens && blocks_together(build.stages, planning) > 1)
    return kPairedRing;
  return call.num_tokens > 32 ? kMaxRing : kMaxRing - 1;
}

/// Strips of one expert per block that are brought to L2 while route_plan runs: 128 KB a block,
/// where most experts will have rows and a row is no longer than that was measured with.
[[nodiscard]] inline int strips_ahead(const FusedExtents& call, Planning planning) {
  const bool guesses = planning == Planning::stage && call.hidden_size <= 2048 &&
                       5.0 * expected_active(call) >= 3.0 * static_cast<double>(call.local_experts);
  return guesses ? 2 : 0;
}

[[nodiscard]] inline FusedTuning tune_fused(const FusedExtents& call, const FusedBuild& build,
                                            Planning planning) {
  const auto divisor = [](std::int64_t value) {
    return Divisor::of(static_cast<std::uint32_t>(value));
  };
  return {fused_ring(call, build, planning), strips_ahead(call, planning),
          divisor(gate_up_strips(call)), divisor(down_split(call))};
}

}  // namespace switchyard::kernels::sm90
