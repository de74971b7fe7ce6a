// SPDX-License-Identifier: Apache-2.0
// The rows that the tiles of a grid have of each expert, in device memory: a byte each, so that four
// experts share a word, and a warp reads an expert's counts of all tiles at once.
#pragma once

#include <cstdint>

#include "kernels/route_plan/sm90_grid_shape.hpp"

namespace switchyard::kernels::sm90 {

/// A tile's rows of four experts.
static_assert(kMaxGridTileTokens < 256);
struct QuadRows {
  std::uint32_t word;

  /// Those that a mask of tokens for each has.
  __device__ __forceinline__ void add(const uint4& masks) {
    word += static_cast<std::uint32_t>(__popc(masks.x)) |
            static_cast<std::uint32_t>(__popc(masks.y)) << 8U |
            static_cast<std::uint32_t>(__popc(masks.z)) << 16U |
            static_cast<std::uint32_t>(__popc(masks.w)) << 24U;
  }
};

/// Sums of QuadRows, 16 bits each.
static_assert(kMaxGridTiles * kMaxGridTileTokens < 1 << 16);
struct QuadSums {
  std::uint32_t even;  // of experts 0 and 2
  std::uint32_t odd;   // 1 and 3

  /// Over four tiles, as far as masks have them.
  [[nodiscard]] static __device__ __forceinline__ QuadSums of(const uint4& quads,
                                                              const uint4& masks) {
    QuadSums sums{0, 0};
    sums.add(quads.x & masks.x);
    sums.add(quads.y & masks.y);
    sums.add(quads.z & masks.z);
    sums.add(quads.w & masks.w);
    return sums;
  }
  /// Over the lanes of a warp.
  [[nodiscard]] __device__ __forceinline__ QuadSums of_warp() const {
    return {__reduce_add_sync(0xffffffffU, even), __reduce_add_sync(0xffffffffU, odd)};
  }
  [[nodiscard]] __device__ __forceinline__ std::int32_t rows(std::int32_t e) const {
    return static_cast<std::int32_t>((e % 2 == 0 ? even : odd) >> (e / 2 * 16) & 0xffffU);
  }

 private:
  __device__ __forceinline__ void add(std::uint32_t quad) {
    even += quad & 0x00ff00ffU;
    odd += quad >> 8U & 0x00ff00ffU;
  }
};

struct TileCounts {
  std::int32_t* const scratch;  // [quads, count rounded up to 4]
  const std::int32_t count;     // of tiles
  const std::int32_t quads;

  /// Leaves zeros for the tiles that only fill a read up, with the last one's.
  __device__ __forceinline__ void put(std::int32_t quad, std::int32_t tile,
                                      const QuadRows& own) const {
    std::int32_t* const of = row(quad);
    of[tile] = static_cast<std::int32_t>(own.word);
    if (tile + 1 == count)
      for (std::int32_t none = count; none < stride(); ++none) of[none] = 0;
  }

  /// Sets rows to those of all tiles, before to those of the tiles before `own_tile`; [4 * quads]
  /// each. By the warps of ctx, of which each has some quads.
  template <class Ctx, class Sums>
  __device__ __forceinline__ void sum(const Ctx& ctx, std::int32_t own_tile, Sums& rows,
                                      Sums& before) const {
    constexpr int kAtOnce = 4;
    const std::int32_t from = 4 * ctx.lane();  // tile
    const auto mask = [&](std::int32_t tile) { return tile < own_tile ? ~0U : 0U; };
    const uint4 is_before =
        make_uint4(mask(from), mask(from + 1), mask(from + 2), mask(from + 3));
#pragma unroll 1
    for (std::int32_t base = ctx.wave(); base < quads; base += kAtOnce * ctx.num_waves()) {
      uint4 read[kAtOnce];
#pragma unroll
      for (int j = 0; j < kAtOnce; ++j) {
        const std::int32_t quad = base + j * ctx.num_waves();
        read[j] = make_uint4(0, 0, 0, 0);
        if (from < count && quad < quads)
          read[j] = *reinterpret_cast<const uint4*>(row(quad) + from);
      }
      QuadSums all[kAtOnce];
      QuadSums below[kAtOnce];
#pragma unroll
      for (int j = 0; j < kAtOnce; ++j) {
        all[j] = QuadSums::of(read[j], make_uint4(~0U, ~0U, ~0U, ~0U)).of_warp();
        below[j] = QuadSums::of(read[j], is_before).of_warp();
      }
#pragma unroll
      for (int j = 0; j < kAtOnce; ++j) {
        const std::int32_t quad = base + j * ctx.num_waves();
        if (quad >= quads || ctx.lane() >= 4) continue;
        rows[4 * quad + ctx.lane()] = all[j].rows(ctx.lane());
        before[4 * quad + ctx.lane()] = below[j].rows(ctx.lane());
      }
    }
  }

 private:
  [[nodiscard]] __device__ __forceinline__ std::int32_t stride() const { return (count + 3) & ~3; }
  [[nodiscard]] __device__ __forceinline__ std::int32_t* row(std::int32_t quad) const {
    return scratch + quad * stride();
  }
};

}  // namespace switchyard::kernels::sm90
