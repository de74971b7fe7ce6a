// SPDX-License-Identifier: Apache-2.0
// How a cluster of blocks shares out stage "route_plan" on devices of compute capability 9.0.
#pragma once

#include <cstdint>

#include "kernels/route_plan/params.hpp"
#include "kernels/route_plan/simt_place.hpp"
#include "kernels/route_plan/simt_routed_tile.hpp"
#include "kernels/simt.hpp"

namespace switchyard::kernels::sm90 {

/// Blocks of a cluster, at most: more than is portable.
inline constexpr std::int32_t kMaxRouteCluster = 16;
inline constexpr std::int32_t kRouteThreads = simt::kMaxThreads;
inline constexpr std::int32_t kRouteWaves = kRouteThreads / 32;
/// Whether a cluster is fastest: for more tokens than a block has waves, or two waves each for
/// where there are few experts, and no more than that each wave of the cluster selects for one.
[[nodiscard]] constexpr bool suits_cluster(const PlanParams& plan) noexcept {
  const bool few_experts = plan.num_experts <= simt::kFewExpertsPerLane * 32;
  const std::int32_t block_tokens = few_experts ? kRouteWaves / 2 : kRouteWaves;
  return plan.num_tokens > block_tokens && plan.num_tokens <= kMaxRouteCluster * kRouteWaves;
}

/// A tile for each block: of as many tokens as have two waves each, of one wave where that needs
/// more blocks than a cluster has. A power of two of blocks; the last tiles may be empty.
[[nodiscard]] constexpr RoutePlanTiles cluster_tiles(const PlanParams& plan) noexcept {
  RoutePlanTiles tiles{};
  tiles.tokens = kRouteWaves / 2;
  while (tiles.tokens * kMaxRouteCluster < plan.num_tokens) tiles.tokens *= 2;
  tiles.wave_token_bits =
      tiles.tokens > kRouteWaves ? simt::bits_for(tiles.tokens / kRouteWaves) : 0;
  tiles.count = 1;
  while (tiles.count * tiles.tokens < plan.num_tokens) tiles.count *= 2;
  tiles.words = count_words(plan.num_local_experts);
  tiles.sharers = tiles.words < kRouteThreads ? kRouteThreads / tiles.words : 1;
  tiles.block_bits = simt::bits_for(plan.block_size);
  return tiles;
}

/// Waves of a block that plan: those that select where others weigh.
[[nodiscard]] constexpr std::int32_t planning_waves(const RoutePlanTiles& tiles) noexcept {
  return 2 * tiles.tokens <= kRouteWaves ? kRouteWaves / 2 : kRouteWaves;
}

/// Shared memory of a block, with its tiles filled in.
[[nodiscard]] constexpr std::size_t cluster_block_bytes(const RoutePlanParams& params) noexcept {
  const RoutePlanTiles& tiles = params.tiles;
  return simt::routed_tile_bytes(params, kRouteWaves) +
         simt::shared_bytes<std::uint32_t>(std::int64_t{tiles.count} * tiles.words) +
         simt::shared_bytes<std::uint64_t>(1) +
         simt::shared_bytes<std::int32_t>(params.plan.num_local_experts) +
         simt::placer_bytes(params.plan, planning_waves(tiles));
}

}  // namespace switchyard::kernels::sm90
