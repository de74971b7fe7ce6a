// SPDX-License-Identifier: Apache-2.0
// The warpgroup that fills the ring: weights by the copy engine, a tile's 32 KB at a time, each
// block of a cluster its share for all of them; packed rows gathered by 16-byte copies straight
// into the swizzle that the tensor cores read.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/sm90/copy.cuh"
#include "kernels/sm90/grid.cuh"
#include "kernels/sm90/product/block.cuh"

namespace switchyard::kernels::sm90 {

class Producer {
 public:
  __device__ Producer(const Block& block, const ProductView& view, const ProductLaunch& launch)
      : block_(block),
        view_(view),
        thread_(static_cast<int>(threadIdx.x) % ProductShape::kGroupThreads),
        depths_(static_cast<int>(view.tiles.width_tiles())),
        expert_bytes_(view.tiles.expert_bytes()),
        by_chunks_(aligned16(view.rows) && has_few_chunks(view)),
        weight_policy_(l2_policy(launch.weights)),
        row_policy_(l2_policy(launch.rows)),
        to_(block.rows(0) +
            static_cast<std::uint32_t>(SwizzledTiles::chunk_offset(line(), chunk()))) {}

  /// Fills stages for all items. Weights do not depend on earlier kernels: those of the first item
  /// are on their way before the wait.
  __device__ __forceinline__ void run(ProductScheduler scheduler) {
    ProductItem item;
    bool more = scheduler.next(item);
    int requested = 0;  // stages whose weights are under way
    if (more) {
      find_weights(item);
      requested = depths_ < ProductShape::kStages ? depths_ : ProductShape::kStages;
      if (thread_ == 0)
        for (int depth = 0; depth < requested; ++depth) request_weights(depth, depth);
    }
    wait_for_predecessors();
    start_successors();
    for (; more; more = scheduler.next(item)) {
      find_weights(item);
      find_rows(item);
      for (int depth = 0; depth < depths_; ++depth) {
        block_.empty(ring_.stage).wait(ring_.phase ^ 1U);
        if (requested > 0)
          --requested;
        else if (thread_ == 0)
          request_weights(depth, ring_.stage);
        if (by_chunks_)
          copy_rows(item, depth);
        else
          move_rows(item, depth);
        advance();
      }
    }
    wait_for_copies();  // none may land in the memory of another block
  }

 private:
  static constexpr int kChunks = SwizzledTiles::kChunks;
  static constexpr int kRowsAtOnce = ProductShape::kGroupThreads / kChunks;
  static constexpr int kSteps = ProductShape::kMaxRows / kRowsAtOnce;
  static constexpr int kStepBytes = kRowsAtOnce * ProductShape::kRowBytes;

  /// This thread copies chunk chunk() of rows line(), line() + kRowsAtOnce, ...
  [[nodiscard]] __device__ __forceinline__ int chunk() const { return thread_ % kChunks; }
  [[nodiscard]] __device__ __forceinline__ int line() const { return thread_ / kChunks; }

  /// The item's tiles, one behind the other. Once per item: nothing of it is left to the thread
  /// that requests stage after stage.
  __device__ __forceinline__ void find_weights(const ProductItem& item) {
    weights_ = static_cast<const std::byte*>(view_.weights) + item.expert * expert_bytes_ +
               std::int64_t{item.row_tile} * depths_ * ProductShape::kWeightBytes;
  }

  /// By one thread. A block of a cluster brings its share for all.
  __device__ __forceinline__ void request_weights(int depth, int stage) {
    const Barrier full = block_.full(stage);
    full.arrive_expecting(ProductShape::kWeightBytes);
    const std::byte* const tile = weights_ + std::int64_t{depth} * ProductShape::kWeightBytes;
    const std::uint32_t to = block_.weights(stage);
    if (block_.cluster_size == 1) {
      bulk_copy(to, tile, ProductShape::kWeightBytes, full, weight_policy_);
      return;
    }
    static_assert(ProductScheduler::kMaxCluster == 2);
    constexpr int kShare = ProductShape::kWeightBytes / 2;
    const int offset = block_.rank * kShare;
    bulk_multicast(to + offset, tile + offset, kShare, full, 0b11, weight_policy_);
  }

  /// Whether a chunk of 16 bytes of any row has a number of 32 bits: rows of up to 64 GB.
  [[nodiscard]] __device__ __forceinline__ static bool has_few_chunks(const ProductView& view) {
    return view.max_rows * (view.tiles.width / 8) < (std::int64_t{1} << 32U);
  }

  /// Rows beyond the item's last are those of the last: their sums are not stored. An item may have
  /// no row at all; where there is an item, packed row 0 exists. All loads are under way at once.
  __device__ __forceinline__ void find_rows(const ProductItem& item) {
    const auto row_chunks = static_cast<std::uint32_t>(view_.tiles.width / 8);
#pragma unroll
    for (int i = 0; i < kSteps; ++i) {
      const int row = line() + i * kRowsAtOnce;
      const int packed = item.first_row + (row < item.num_rows ? row : item.num_rows - 1);
      source_[i] = item.num_rows == 0 ? 0 : packed;
    }
    if (view_.source != nullptr) {
#pragma unroll
      for (int i = 0; i < kSteps; ++i)
        source_[i] = __ldg(reinterpret_cast<const int*>(view_.source) + source_[i]);
    }
    if (by_chunks_) {
#pragma unroll
      for (int i = 0; i < kSteps; ++i) source_[i] = source_[i] * row_chunks + chunk();
    }
  }

  /// Whether step i belongs to the item's units: the same for the whole warpgroup.
  [[nodiscard]] __device__ __forceinline__ static bool has_step(const ProductItem& item, int i) {
    return i * kRowsAtOnce < item.units * ProductShape::kUnitRows;
  }

  __device__ __forceinline__ void advance() {
    ring_.advance();
    to_ += ring_.stage == 0 ? ProductShape::kStageBytes * (1 - ProductShape::kStages)
                            : ProductShape::kStageBytes;
  }

  __device__ __forceinline__ void copy_rows(const ProductItem& item, int depth) {
    const auto first = static_cast<std::uint32_t>(depth * SwizzledTiles::kChunks);
    const int bytes = (first + chunk()) * 8 < view_.tiles.width ? 16 : 0;  // else zeros
#pragma unroll
    for (int i = 0; i < kSteps; ++i)
      copy16(has_step(item, i), to_ + i * kStepBytes,
             static_cast<const uint4*>(view_.rows) + (source_[i] + first), bytes, row_policy_);
    block_.full(ring_.stage).arrive_after_copies();
  }

  /// The same for rows that are not aligned to 16 bytes or too many, element by element.
  __device__ __forceinline__ void move_rows(const ProductItem& item, int depth) {
    const std::int64_t column = depth * ProductShape::kDepth + chunk() * 8;
#pragma unroll
    for (int i = 0; i < kSteps; ++i) {
      if (!has_step(item, i)) break;
      std::uint32_t words[4] = {};
      if (column < view_.tiles.width) {
        const bf16* const from = static_cast<const bf16*>(view_.rows) +
                                 std::int64_t{source_[i]} * view_.tiles.width + column;
        for (int j = 0; j < 4; ++j)
          words[j] = from[2 * j].bits | static_cast<std::uint32_t>(from[2 * j + 1].bits) << 16U;
      }
      asm volatile("st.shared.v4.b32 [%0], {%1, %2, %3, %4};" ::"r"(to_ + i * kStepBytes),
                   "r"(words[0]), "r"(words[1]), "r"(words[2]), "r"(words[3])
                   : "memory");
    }
    fence_async_proxy();
    block_.full(ring_.stage).arrive();
  }

  const Block& block_;
  const ProductView& view_;
  int thread_;
  int depths_;
  std::int64_t expert_bytes_;
  const std::byte* weights_ = nullptr;  // of the item
  bool by_chunks_;  // rows are copied 16 bytes at a time
  std::uint64_t weight_policy_;
  std::uint64_t row_policy_;
  Ring ring_;
  /// Where this thread's chunk of step 0 goes in the ring's stage; step i goes i * kStepBytes
  /// further. Counted, not computed from the stage: ptxas 13.0 encodes a copy to the sum of a
  /// register and a uniform one as an instruction that does not exist.
  std::uint32_t to_;
  std::uint32_t source_[kSteps] = {};  // rows, or the first chunks of rows
};

}  // namespace switchyard::kernels::sm90
