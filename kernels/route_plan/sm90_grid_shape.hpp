// SPDX-License-Identifier: Apache-2.0
// How all blocks of a device of compute capability 9.0 share out stage "route_plan" in one launch.
#pragma once

#include <cstdint>

#include "kernels/route_plan/params.hpp"
#include "kernels/route_plan/simt_place.hpp"
#include "kernels/route_plan/simt_routed_tile.hpp"
#include "kernels/simt.hpp"
#include "kernels/sm90/aligned.hpp"

namespace switchyard::kernels::sm90 {

/// Tiles, at most: one for each block, and the counts of all for an expert are what a warp reads at
/// once.
inline constexpr std::int32_t kMaxGridTiles = 128;

/// What the blocks of launches that have one scratch, which take turns, share in device memory. All
/// zero before the first; each leaves it as the next one needs it.
struct GridMeeting {
  std::uint64_t word;                            // a Meeting's (kernels/sm90/meeting.cuh)
  std::uint32_t left_tiles[kMaxGridTiles / 32];  // bit per tile whose block has left
};

struct RoutePlanGridParams {
  RoutePlanParams call;
  GridMeeting* meeting;
  std::uint32_t patience;  // looks for the others before a block leaves
};
static_assert(kIsFusedParamBlock<RoutePlanGridParams>);
/// A few milliseconds.
inline constexpr std::uint32_t kGridPatience = 4096;
/// A block's tokens that choose an expert are bits.
inline constexpr std::int32_t kMaskBits = 32;
/// The waves of a block that plan, as many as the smaller blocks' that select where others weigh.
inline constexpr std::int32_t kGridPlanners = 8;

/// Four neighbouring experts share a word of a tile's counts.
[[nodiscard]] constexpr std::int32_t count_quads(std::int32_t num_experts) noexcept {
  return (num_experts + 3) / 4;
}

/// Threads of a block, at most: with so many, the registers of a multiprocessor serve a block.
[[nodiscard]] constexpr std::int32_t max_grid_threads(int per_lane) noexcept {
  return per_lane <= 8 ? 1024 : 512;
}

/// Tokens of a tile, at most. With more, launches that fill the multiprocessors anew are faster.
inline constexpr std::int32_t kMaxGridTileTokens = 64;

/// Tokens of a tile: no fewer than a small block has pairs of waves for.
[[nodiscard]] constexpr std::int32_t grid_tile_tokens(std::int32_t num_tokens,
                                                      std::int32_t num_blocks) noexcept {
  constexpr std::int32_t kFewest = 8;
  const std::int32_t blocks = num_blocks < kMaxGridTiles ? num_blocks : kMaxGridTiles;
  const std::int32_t tokens = (num_tokens + blocks - 1) / blocks;
  return tokens < kFewest ? kFewest : tokens;
}

/// Up to so many tokens a cluster is faster.
inline constexpr std::int32_t kMaxUngriddedTokens = 128;

/// Whether the grid serves a call on a device that runs so many blocks at the same time. Tokens'
/// local experts are distinct: routed, and not mapped. Counts of four tiles are read at once.
[[nodiscard]] inline bool suits_grid(const RoutePlanParams& params,
                                     std::int32_t num_blocks) noexcept {
  return params.plan.num_tokens > kMaxUngriddedTokens && params.given_ids == nullptr &&
         params.plan.expert_map == nullptr && aligned16(params.plan.scratch) && num_blocks > 0 &&
         grid_tile_tokens(params.plan.num_tokens, num_blocks) <= kMaxGridTileTokens;
}

[[nodiscard]] constexpr RoutePlanTiles grid_tiles(const PlanParams& plan,
                                                  std::int32_t num_blocks) noexcept {
  RoutePlanTiles tiles{};
  tiles.tokens = grid_tile_tokens(plan.num_tokens, num_blocks);
  tiles.count = (plan.num_tokens + tiles.tokens - 1) / tiles.tokens;
  tiles.words = count_words(plan.num_local_experts);
  tiles.block_bits = simt::bits_for(plan.block_size);
  return tiles;
}

/// Threads of a block: two waves to each of few tokens, else one; of more tokens than waves, each
/// has several.
[[nodiscard]] constexpr std::int32_t grid_threads(std::int32_t tile_tokens, int per_lane) noexcept {
  return tile_tokens <= 16 ? 512 : max_grid_threads(per_lane);
}

/// Words of a mask of a tile's tokens.
[[nodiscard]] constexpr std::int32_t mask_words(std::int32_t tile_tokens) noexcept {
  return (tile_tokens + kMaskBits - 1) / kMaskBits;
}

/// Elements of a block's masks, with its tiles filled in.
[[nodiscard]] constexpr std::int32_t mask_elements(const RoutePlanParams& params) noexcept {
  return mask_words(params.tiles.tokens) * 4 * count_quads(params.plan.num_local_experts);
}

/// Shared memory of a block, with its tiles filled in.
[[nodiscard]] constexpr std::size_t grid_block_bytes(const RoutePlanParams& params,
                                                     std::int32_t num_threads) noexcept {
  const std::int32_t waves = num_threads / 32;
  const std::int64_t padded = 4 * count_quads(params.plan.num_local_experts);
  return simt::chosen_tile_bytes(params, waves) +
         simt::shared_bytes<std::uint32_t>(mask_elements(params)) +
         2 * simt::shared_bytes<std::int32_t>(padded) + 3 * simt::shared_bytes<std::int32_t>(1) +
         simt::shared_bytes<std::uint64_t>(1) + simt::placer_bytes(params.plan, num_threads / 32);
}

}  // namespace switchyard::kernels::sm90
