// SPDX-License-Identifier: Apache-2.0
// What the threads of a block share: the ring of stages, its barriers, the plan's offsets.
#pragma once

#include <cstdint>

#include "kernels/elements.hpp"
#include "kernels/sm90/barrier.cuh"
#include "kernels/sm90/product/scheduler.hpp"
#include "kernels/sm90/product/view.hpp"

namespace switchyard::kernels::sm90 {

/// A place in the ring of stages.
struct Ring {
  int stage = 0;
  std::uint32_t phase = 0;

  __device__ __forceinline__ void advance() {
    if (++stage == ProductShape::kStages) {
      stage = 0;
      phase ^= 1U;
    }
  }
};

/// One block of a launch, and how its shared memory is divided: stages, staging memory, barriers,
/// offsets.
struct Block {
  std::uint32_t memory;  // shared address
  std::int32_t cluster_size;
  std::int32_t rank;

  [[nodiscard]] __device__ __forceinline__ std::uint32_t weights(int stage) const {
    return memory + stage * ProductShape::kStageBytes;
  }
  [[nodiscard]] __device__ __forceinline__ std::uint32_t rows(int stage) const {
    return weights(stage) + ProductShape::kWeightBytes;
  }
  [[nodiscard]] __device__ __forceinline__ std::uint32_t staging(int consumer) const {
    return weights(ProductShape::kStages) + consumer * ProductShape::kStagingBytes;
  }
  /// The stage's weights and rows are there.
  [[nodiscard]] __device__ __forceinline__ Barrier full(int stage) const {
    return {memory + ProductShape::kBarriers + stage * 8};
  }
  /// Every warp of every block of the cluster is done with the stage.
  [[nodiscard]] __device__ __forceinline__ Barrier empty(int stage) const {
    return full(ProductShape::kStages + stage);
  }
};

/// Sets up the barriers; by one thread. Stages start at multiples of the swizzle's 1024 bytes.
__device__ __forceinline__ void init_barriers(const Block& block) {
  if (block.memory % 1024 != 0) __trap();
  for (int i = 0; i < ProductShape::kStages; ++i) {
    block.full(i).init(1 + ProductShape::kGroupThreads);
    block.empty(i).init(ProductShape::kConsumers * 4 * block.cluster_size);
  }
  fence_barrier_init();
}

/// The offsets that the scheduler reads: the plan's, in shared memory where they fit; without a
/// plan those of one expert with the live tokens. All threads of the block call it and meet
/// afterwards. `memory` is the block's.
__device__ __forceinline__ const PackedRow* load_offsets(std::uint8_t* memory,
                                                         const ProductView& view) {
  auto* const offsets = reinterpret_cast<PackedRow*>(memory + ProductShape::kOffsets);
  if (view.expert_offsets == nullptr) {
    if (threadIdx.x == 0) {
      offsets[0] = PackedRow{0};
      offsets[1] = PackedRow{live_count(view.live_tokens, view.max_rows)};
    }
    return offsets;
  }
  if (view.num_experts > ProductShape::kSharedExperts) return view.expert_offsets;
  for (int i = static_cast<int>(threadIdx.x); i <= view.num_experts; i += ProductShape::kThreads)
    offsets[i] = PackedRow{__ldcg(reinterpret_cast<const int*>(view.expert_offsets + i))};
  return offsets;
}

}  // namespace switchyard::kernels::sm90
