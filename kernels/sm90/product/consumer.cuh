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

struct Consumer {
  Block block;
  std::uint32_t staging;  // shared address of this warpgroup's kStagingBytes
  int index;              // 0 or 1
  int thread;             // of the warpgroup
  Ring ring{};
  std::uint32_t flip = 0;  // the half of the staging memory to use next

  __device__ explicit Consumer(const Block& block_in, int index_in)
      : block(block_in),
        staging(block_in.staging(index_in)),
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

  /// This warp is done with a stage: it tells every block of the cluster.
  __device__ __forceinline__ void release(int stage) const {
    if (lane() < block.cluster_size) block.empty(stage).arrive_at(lane());
  }
};

/// sums = weights [128, width] * rows [8 * kUnits, width]^T through the next stages of the ring.
/// A stage is given back one step late, so that the tensor cores always have a product queued.
template <class Element, int kUnits>
__device__ __forceinline__ void multiply(Consumer& consumer, Sums<kUnits>& sums, int depths) {
  constexpr int kHalfBytes = 64 * ProductShape::kRowBytes;
  const Block block = consumer.block;
  int previous = 0;
#pragma unroll
  for (int i = 0; i < 4 * kUnits; ++i) sums[0][i] = sums[1][i] = 0.0F;
#pragma unroll 1
  for (int depth = 0; depth < depths; ++depth) {
    const int stage = consumer.ring.stage;
    block.full(stage).wait(consumer.ring.phase);
    fence_async_proxy();  // the rows were written by cp.async
    const std::uint32_t weights = block.weights(stage) + consumer.index * 2 * kHalfBytes;
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
      consumer.release(previous);
    }
    previous = stage;
    consumer.ring.advance();
  }
  wgmma_wait<0>();
  pin(sums[0]);
  pin(sums[1]);
  consumer.release(previous);
}

}  // namespace switchyard::kernels::sm90
