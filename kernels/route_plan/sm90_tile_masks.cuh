// SPDX-License-Identifier: Apache-2.0
// Which tokens of a tile chose an expert: bits in the block's shared memory.
#pragma once

#include <cstdint>

#include "kernels/route_plan/sm90_grid_shape.hpp"
#include "kernels/route_plan/sm90_tile_counts.cuh"

namespace switchyard::kernels::sm90 {

template <class Words>
struct TileMasks {
  Words masks;  // [mask_words, 4 * quads]
  const std::int32_t tokens;
  const std::int32_t quads;

  [[nodiscard]] __device__ __forceinline__ std::int32_t words() const { return mask_words(tokens); }

  /// By all threads of the block.
  template <class Ctx>
  __device__ __forceinline__ void clear(const Ctx& ctx) const {
#pragma unroll 1
    for (std::int32_t i = ctx.thread(); i < words() * 4 * quads; i += ctx.num_threads())
      masks[i] = 0;
  }

  /// Token i chose expert e.
  __device__ __forceinline__ void mark(std::int32_t i, std::int32_t e) const {
    atomicOr(&masks[i / kMaskBits * 4 * quads + e], 1U << (i % kMaskBits));
  }

  /// The tokens before number i that chose expert e.
  [[nodiscard]] __device__ __forceinline__ std::int32_t count_before(std::int32_t e,
                                                                     std::int32_t i) const {
    std::int32_t count = 0;
#pragma unroll 1
    for (std::int32_t word = 0; word * kMaskBits < i; ++word) {
      const std::int32_t bits = i - word * kMaskBits;
      const std::uint32_t mask = masks[word * 4 * quads + e];
      count += __popc(bits < kMaskBits ? mask & ((1U << bits) - 1) : mask);
    }
    return count;
  }

  /// The rows of four experts.
  [[nodiscard]] __device__ __forceinline__ QuadRows count(std::int32_t quad) const {
    QuadRows rows{0};
#pragma unroll 1
    for (std::int32_t word = 0; word < words(); ++word)
      rows.add(*reinterpret_cast<const uint4*>(&masks[4 * (word * quads + quad)]));
    return rows;
  }
};

}  // namespace switchyard::kernels::sm90
