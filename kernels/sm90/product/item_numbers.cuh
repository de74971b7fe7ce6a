// SPDX-License-Identifier: Apache-2.0
// The numbers of the items that a cluster computes, for its producers.
#pragma once

#include <cstdint>

#include "kernels/sm90/element.cuh"
#include "kernels/sm90/product/block.cuh"
#include "kernels/sm90/warp.cuh"

namespace switchyard::kernels::sm90 {

/// A cluster begins with the item of its own number. The others it takes in turns, or, where the
/// launch counts those drawn (ProductCounters::drawn), as it comes to need one: clusters whose items
/// are small take more of them, and blocks that read the same weights do so at the same time, so
/// that the second finds them in L2. A number travels through shared memory: the first block of the
/// cluster draws, and writes to all; a place is used again when every stage of the ring has gone to
/// later items, and with it whoever read the place. By the first kThreads threads of each block.
template <int kThreads, int kCluster>
class ItemNumbers {
 public:
  __device__ ItemNumbers(const Block& block, std::uint32_t* drawn)
      : block_(block),
        drawn_(drawn),
        number_(static_cast<std::int32_t>(blockIdx.x) / kCluster) {}

  [[nodiscard]] __device__ __forceinline__ std::int32_t first() const { return number_; }

  /// Asks for the number that next() answers.
  __device__ __forceinline__ void draw() {
    if (drawn_ == nullptr || !draws()) return;
    asm volatile("atom.relaxed.gpu.global.add.u32 %0, [%1], 1;"
                 : "=r"(asked_)
                 : "l"(drawn_)
                 : "memory");
  }
  /// Behind a draw().
  [[nodiscard]] __device__ __forceinline__ std::int32_t next() {
    const auto num_clusters = static_cast<std::int32_t>(gridDim.x) / kCluster;
    if (drawn_ == nullptr) return number_ += num_clusters;
    return num_clusters + static_cast<std::int32_t>(share());
  }

 private:
  [[nodiscard]] __device__ __forceinline__ static bool leads() { return threadIdx.x == 0; }
  [[nodiscard]] __device__ __forceinline__ static bool draws() {
    return leads() && (kCluster == 1 || cluster_rank() == 0);
  }

  /// What the first thread of the cluster asked for, by all.
  [[nodiscard]] __device__ __forceinline__ std::uint32_t share() {
    if constexpr (kThreads == 32 && kCluster == 1) {
      return static_cast<std::uint32_t>(
          WarpLanes::shuffle(static_cast<std::int32_t>(asked_), 0));
    } else {
      const std::uint32_t place = block_.number(place_.place);
      if constexpr (kCluster == 1) {
        if (leads()) store_shared(place, asked_);
        meet(1 + ProductShape::kConsumers, kThreads);
      } else {
        const Barrier there = block_.numbered(place_.place);
        if (draws())
          for (int rank = 0; rank < kCluster; ++rank) there.store_at(rank, place, asked_);
        if (leads()) there.arrive_expecting(sizeof(asked_));
        there.wait(phase_);
      }
      place_.advance();
      if (place_.place == 0) phase_ ^= 1U;
      return load_shared(place);
    }
  }

  const Block& block_;
  std::uint32_t* drawn_;
  std::int32_t number_;       // in turns
  std::uint32_t asked_ = 0;   // of the thread that draws
  ItemRing place_;
  std::uint32_t phase_ = 0;
};

}  // namespace switchyard::kernels::sm90
