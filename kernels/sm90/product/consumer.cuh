// SPDX-License-Identifier: Apache-2.0
// A warpgroup that multiplies: 128 weight rows by the packed rows of an item, over the whole width.
#pragma once

#include <cstdint>

#include "kernels/sm90/product/block.cuh"
#include "kernels/sm90/wgmma.cuh"

namespace switchyard::kernels::sm90 {

/// Sums of a thread for 8 * kUnits packed rows. [m] is the half of 64 weight rows; inside it as
/// Wgmma says: sums [4j], [4j + 1] are weight row 16 * warp + lane / 4 by packed rows 8j + 2 *
/// (lane % 4) and the next, [4j + 2], [4j + 3] the weight row eight below.
template <int kUnits>
using Sums = float[2][4 * kUnits];

/// The warpgroup, and the memory in which it turns its sums into rows of the output.
struct Consumer {
  std::uint32_t staging;  // shared address of this warpgroup's kStagingBytes
  int index;              // 0 or 1
  int thread;             // of the warpgroup
  std::uint32_t flip = 0;  // the half of the staging memory to use next

  __device__ Consumer(const Block& block, int index_in)
      : staging(block.staging(index_in)),
        index(index_in),
        thread(static_cast<int>(threadIdx.x) % ProductShape::kGroupThreads) {}

  [[nodiscard]] __device__ __forceinline__ int warp() const { return thread / 32; }
  [[nodiscard]] __device__ __forceinline__ int lane() const { return thread % 32; }

  /// The threads of the warpgroup meet.
  __device__ __forceinline__ void meet() const {
    sm90::meet(1 + index, ProductShape::kGroupThreads);
  }
  /// The other half of the staging memory, in turn.
  [[nodiscard]] __device__ __forceinline__ std::uint32_t next_half() {
    const std::uint32_t half = staging + flip * (ProductShape::kStagingBytes / 2);
    flip ^= 1U;
    return half;
  }
};

/// The ring as a consumer empties it. Threads of a consumer meet between an item and the next, so
/// that all have read an item before one gives back a stage of the next.
template <int kCluster>
struct StageReader {
  Block block;
  Ring ring{};
  ItemRing items{};

  /// The item that begins with the next stage, or false: there is no more.
  [[nodiscard]] __device__ __forceinline__ bool next(ProductItem& item) {
    block.full(ring.stage).wait(ring.phase);
    item = load_item(block.item(items.place));
    items.advance();
    return item.num_rows != kNoMoreRows;
  }
  /// This warp is done with a stage: it tells every block of the cluster.
  __device__ __forceinline__ void release(int stage) const {
    const int lane = static_cast<int>(threadIdx.x) % 32;
    if constexpr (kCluster == 1) {
      if (lane == 0) block.empty(stage).arrive();
    } else {
      if (lane < kCluster) block.empty(stage).arrive_at(lane);
    }
  }
};

/// sums = weights [128, width] * rows [8 * kUnits, width]^T through the next stages of the ring,
/// for consumer `index`. A stage is given back one step late, so that the tensor cores always have
/// a product queued.
template <class Element, class Rows, int kUnits, int kCluster>
__device__ __forceinline__ void multiply(StageReader<kCluster>& reader, int index,
                                         Sums<kUnits>& sums, int depths) {
  constexpr int kHalfBytes = 64 * ProductShape::kRowBytes;
  const Block block = reader.block;
  int previous = 0;
#pragma unroll
  for (int i = 0; i < 4 * kUnits; ++i) sums[0][i] = sums[1][i] = 0.0F;
#pragma unroll 1
  for (int depth = 0; depth < depths; ++depth) {
    const int stage = reader.ring.stage;
    block.full(stage).wait(reader.ring.phase);
    if constexpr (Rows::kNeedsFence) fence_async_proxy();
    const std::uint32_t weights = block.weights(stage) + index * 2 * kHalfBytes;
    const std::uint64_t upper = matrix_descriptor(weights);
    const std::uint64_t lower = matrix_descriptor(weights + kHalfBytes);
    const std::uint64_t rows = matrix_descriptor(block.rows(stage));
    pin(sums[0]);
    pin(sums[1]);
    wgmma_fence();
#pragma unroll
    for (int k = 0; k < ProductShape::kDepth / 16; ++k) {
      Wgmma<Element, 8 * kUnits>::multiply(sums[0], upper + 2 * k, rows + 2 * k);
      Wgmma<Element, 8 * kUnits>::multiply(sums[1], lower + 2 * k, rows + 2 * k);
    }
    wgmma_commit();
    pin(sums[0]);
    pin(sums[1]);
    if (depth > 0) {
      wgmma_wait<1>();
      reader.release(previous);
    }
    previous = stage;
    reader.ring.advance();
  }
  wgmma_wait<0>();
  pin(sums[0]);
  pin(sums[1]);
  reader.release(previous);
}

}  // namespace switchyard::kernels::sm90
