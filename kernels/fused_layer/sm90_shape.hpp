// SPDX-License-Identifier: Apache-2.0
// Extents of the fused layer kernel for sm_90: what it has room for, and how it cuts a layer up.
#pragma once

#include <cstddef>
#include <cstdint>

#include "switchyard/swizzled_tiles.hpp"

namespace switchyard::kernels::sm90 {

inline constexpr int kFusedWarps = 8;
inline constexpr int kFusedThreads = kFusedWarps * 32;

/// What shared memory has room for.
inline constexpr int kFusedMaxTokens = 64;
inline constexpr int kFusedMaxPairs = 512;
inline constexpr int kFusedMaxExperts = 512;

/// What blocks have room for that route by themselves.
inline constexpr int kRoutedMaxTokens = 8;
inline constexpr int kRoutedMaxPairs = 128;
inline constexpr int kRoutedMaxKeys = 8 * (256 + 8);  // of experts and their groups, of all tokens

inline constexpr int kTileRows = SwizzledTiles::kRows;
inline constexpr int kTileWidth = SwizzledTiles::kWidth;
inline constexpr int kTileBytes = SwizzledTiles::kBytes;

/// A strip is 16 weight rows; a piece of it is one tile's width, 2 KB that lie together. A ring
/// stage is two neighbouring pieces of a strip.
inline constexpr int kStripRows = 16;
inline constexpr int kPieceBytes = kStripRows * kTileWidth * 2;
inline constexpr int kStageWidth = 2 * kTileWidth;
inline constexpr int kStageBytes = 2 * kPieceBytes;

inline constexpr int kMaxRing = 5;
/// Where two blocks share a multiprocessor: for so few tokens that its smaller ring costs less than
/// the next launch's beginning.
inline constexpr int kPairedRing = 3;
inline constexpr int kPairedMaxTokens = 4;

/// Groups whose rows down waits for together are a section, 2^section_bits neighbours. As many
/// sections as a warp has lanes.
inline constexpr int kMaxSections = 32;
[[nodiscard]] constexpr int section_bits(int num_groups) noexcept {
  int bits = 0;
  while (num_groups > kMaxSections << bits) ++bits;
  return bits;
}

/// Division by a number that the host knows: exact while dividend * divisor is below 2^32.
struct Divisor {
  std::uint32_t value;
  std::uint32_t reciprocal;  // ceil(2^32 / value), or 0 for 1

  [[nodiscard]] static constexpr Divisor of(std::uint32_t value) noexcept {
    return {value, value == 1 ? 0U
                              : static_cast<std::uint32_t>(((std::uint64_t{1} << 32U) + value - 1) /
                                                           value)};
  }
#if defined(__CUDACC__)
  [[nodiscard]] __device__ __forceinline__ int divide(int dividend) const {
    const auto n = static_cast<std::uint32_t>(dividend);
    return static_cast<int>(reciprocal == 0 ? n : __umulhi(n, reciprocal));
  }
#endif
};

/// How a call is cut up. Depends on the extents alone, so that a row's sums have the same order
/// whatever the other rows are.
struct FusedTuning {
  std::int32_t ring;       // stages in flight per warp
  std::int32_t ahead;      // strips of an expert that a block brings to L2 before there is a plan
  Divisor gate_up_strips;  // of one expert
  Divisor down_split;      // segments of the inner dimension of down
};

/// How a kernel is built: stages of a token's row that one warp holds in registers, and tiles of 8
/// packed rows that it multiplies at once. Their product is the registers that x takes.
struct FusedBuild {
  int stages;
  int tiles;

  bool operator==(const FusedBuild&) const = default;
};
/// Who makes the plan.
enum class Planning : std::uint8_t {
  stage,   ///< A launch of stage "route_plan" before the kernel.
  blocks,  ///< Every block of the kernel for itself. Groups are of at most 8 rows.
};
/// Blocks that share a multiprocessor, one of this launch and one of the next, where warps hold few
/// registers: with those of more stages the narrower blocks cost more than they save.
[[nodiscard]] constexpr int blocks_together(int stages, Planning planning) noexcept {
  return planning == Planning::blocks && stages <= 2 ? 2 : 1;
}
/// Whether warps hold the rows of all tokens throughout, an expert's rows being found by their
/// tokens; more stages cost more than loads on the way. For calls where a token chooses an expert
/// once.
[[nodiscard]] constexpr bool holds_tokens(int stages, Planning planning) noexcept {
  return planning == Planning::blocks && stages <= 2;
}
/// Whether down begins with the groups whose rows are there, rather than with all. Counting units
/// by section takes a block as long as another unit of short rows does; where rows are long the
/// meeting of all blocks takes longer.
[[nodiscard]] constexpr bool has_sections(int stages) noexcept {
  return stages > 4;
}
inline constexpr FusedBuild kFusedBuilds[] = {{2, 4}, {4, 2}, {8, 1}};

}  // namespace switchyard::kernels::sm90
