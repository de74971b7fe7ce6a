// SPDX-License-Identifier: Apache-2.0
// What the threads of a block share: the ring of stages, its barriers and items, the items' numbers,
// the plan's offsets.
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

/// A place in the ring of items.
struct ItemRing {
  int place = 0;

  __device__ __forceinline__ void advance() {
    place = place == ProductShape::kItemPlaces - 1 ? 0 : place + 1;
  }
};

/// One block of a launch, and how its shared memory is divided: stages, staging memory,
/// sources, items, barriers, numbers, offsets.
struct Block {
  std::uint32_t memory;  // shared address

  [[nodiscard]] __device__ __forceinline__ std::uint32_t weights(int stage) const {
    return memory + stage * ProductShape::kStageBytes;
  }
  [[nodiscard]] __device__ __forceinline__ std::uint32_t rows(int stage) const {
    return weights(stage) + ProductShape::kWeightBytes;
  }
  [[nodiscard]] __device__ __forceinline__ std::uint32_t staging(int consumer) const {
    return weights(ProductShape::kStages) + consumer * ProductShape::kStagingBytes;
  }
  [[nodiscard]] __device__ __forceinline__ std::uint32_t sources(int half) const {
    return memory + ProductShape::kSources + half * ProductShape::kSourceBytes;
  }
  /// Where the producer tells an item.
  [[nodiscard]] __device__ __forceinline__ std::uint32_t item(int place) const {
    return memory + ProductShape::kItems + place * ProductShape::kItemBytes;
  }
  /// Where the cluster's first block writes the number of an item, and the barrier that says so.
  [[nodiscard]] __device__ __forceinline__ std::uint32_t number(int place) const {
    return memory + ProductShape::kNumbers + place * 4;
  }
  [[nodiscard]] __device__ __forceinline__ Barrier numbered(int place) const {
    return full(2 * ProductShape::kStages + place);
  }
  /// The stage's weights and rows are there, and the item where one begins.
  [[nodiscard]] __device__ __forceinline__ Barrier full(int stage) const {
    return {memory + ProductShape::kBarriers + stage * 8};
  }
  /// Every warp of every block of the cluster is done with the stage.
  [[nodiscard]] __device__ __forceinline__ Barrier empty(int stage) const {
    return full(ProductShape::kStages + stage);
  }
};

/// The item that tells consumers that there is no more.
inline constexpr std::int32_t kNoMoreRows = -1;

__device__ __forceinline__ void store_item(std::uint32_t address, const ProductItem& item) {
  asm volatile("st.shared.v4.s32 [%0], {%1, %2, %3, %4};" ::"r"(address), "r"(item.expert),
               "r"(item.row_tile), "r"(item.first_row), "r"(item.num_rows)
               : "memory");
}
/// What store_item stored: all but shares_weights.
[[nodiscard]] __device__ __forceinline__ ProductItem load_item(std::uint32_t address) {
  ProductItem item{};
  asm volatile("ld.shared.v4.s32 {%0, %1, %2, %3}, [%4];"
               : "=r"(item.expert), "=r"(item.row_tile), "=r"(item.first_row), "=r"(item.num_rows)
               : "r"(address)
               : "memory");
  return item;
}

/// Sets up the barriers; by one thread. Stages start at multiples of the swizzle's 1024 bytes.
template <class Rows, int kCluster>
__device__ __forceinline__ void init_barriers(const Block& block) {
  if (block.memory % 1024 != 0) __trap();
  for (int i = 0; i < ProductShape::kStages; ++i) {
    block.full(i).init(1 + Rows::kArrivals);
    block.empty(i).init(ProductShape::kConsumers * 4 * kCluster);
  }
  if constexpr (kCluster > 1)
    for (int i = 0; i < ProductShape::kItemPlaces; ++i) block.numbered(i).init(1);
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
