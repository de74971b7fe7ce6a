// SPDX-License-Identifier: Apache-2.0
// Packed rows gathered from anywhere, by 16-byte copies of all threads of the producer warpgroup
// straight into the swizzle that the tensor cores read.
#pragma once

#include <cstdint>

#include "kernels/sm90/copy.cuh"
#include "kernels/sm90/element.cuh"
#include "kernels/sm90/product/block.cuh"
#include "kernels/sm90/product/row_boxes.hpp"

namespace switchyard::kernels::sm90 {

template <Generality kGenerality>
class GatheredRows {
 public:
  using Arguments = NoBoxes;
  static constexpr int kThreads = ProductShape::kGroupThreads;
  /// The threads arrive at the full barrier themselves.
  static constexpr int kArrivals = kThreads;
  /// Shared memory is written by ordinary accesses, not by the copy engine.
  static constexpr bool kNeedsFence = true;

  __device__ GatheredRows(const Block& block, const ProductView& view, const ProductLaunch& launch,
                          const Arguments& /*arguments*/)
      : block_(block),
        view_(view),
        by_chunks_(kGenerality == Generality::lean || reads_by_chunks(view)),
        policy_(l2_policy(launch.rows)),
        to_(block.rows(0) +
            static_cast<std::uint32_t>(SwizzledTiles::chunk_offset(line(), chunk()))) {}

  /// What the barrier of each stage of an item expects.
  [[nodiscard]] __device__ __forceinline__ static int expected_bytes(const ProductItem& /*item*/) {
    return 0;
  }

  /// Asks where the rows of the item after this one lie. Rows beyond the item's last are those of
  /// the last: their sums are not stored. An item may have no row at all; where there is an item,
  /// packed row 0 exists.
  __device__ __forceinline__ void look_up(const ProductItem& item) {
#pragma unroll
    for (int i = 0; i < kLookUps; ++i) {
      const int row = thread() + i * kThreads;
      const int packed = item.first_row + (row < item.num_rows ? row : item.num_rows - 1);
      next_[i] = item.num_rows == 0 ? 0 : packed;
      if (view_.source != nullptr)
        next_[i] = __ldg(reinterpret_cast<const int*>(view_.source) + next_[i]);
    }
  }

  /// Begins the item that was looked up.
  __device__ __forceinline__ void begin(const ProductItem& /*item*/) {
    const std::uint32_t sources = block_.sources(half_);
    half_ ^= 1;  // who reads one item's sources is two items ahead of who writes over them
#pragma unroll
    for (int i = 0; i < kLookUps; ++i)
      if (const int row = thread() + i * kThreads; row < ProductShape::kMaxRows)
        store_shared(sources + row * 4, next_[i]);
    meet(1 + ProductShape::kConsumers, kThreads);
    const auto row_chunks = static_cast<std::uint32_t>(view_.tiles.width / 8);
#pragma unroll
    for (int i = 0; i < kSteps; ++i) {
      source_[i] = load_shared(sources + (line() + i * kRowsAtOnce) * 4);
      if (by_chunks_) source_[i] = source_[i] * row_chunks + chunk();
    }
  }

  /// Fills the next stage of the ring.
  __device__ __forceinline__ void request(const ProductItem& item, int depth, int stage) {
    if (by_chunks_)
      copy(item, depth, stage);
    else
      move(item, depth, stage);
    to_ += stage == ProductShape::kStages - 1
               ? ProductShape::kStageBytes * (1 - ProductShape::kStages)
               : ProductShape::kStageBytes;
  }

 private:
  static constexpr int kChunks = SwizzledTiles::kChunks;
  static constexpr int kRowsAtOnce = kThreads / kChunks;
  static constexpr int kSteps = ProductShape::kMaxRows / kRowsAtOnce;
  static constexpr int kLookUps = (ProductShape::kMaxRows + kThreads - 1) / kThreads;
  static constexpr int kStepBytes = kRowsAtOnce * ProductShape::kRowBytes;

  [[nodiscard]] __device__ __forceinline__ static int thread() {
    return static_cast<int>(threadIdx.x) % kThreads;
  }
  /// This thread copies chunk chunk() of rows line(), line() + kRowsAtOnce, ...
  [[nodiscard]] __device__ __forceinline__ static int chunk() {
    return thread() % kChunks;
  }
  [[nodiscard]] __device__ __forceinline__ static int line() {
    return thread() / kChunks;
  }

  /// Whether this thread's row of step i belongs to the item's units.
  [[nodiscard]] __device__ __forceinline__ static bool has_step(const ProductItem& item, int i) {
    return line() + i * kRowsAtOnce < units_of(item) * ProductShape::kUnitRows;
  }

  __device__ __forceinline__ void copy(const ProductItem& item, int depth, int stage) {
    const auto first = static_cast<std::uint32_t>(depth * SwizzledTiles::kChunks);
    const int bytes = (first + chunk()) * 8 < view_.tiles.width ? 16 : 0;  // else zeros
#pragma unroll
    for (int i = 0; i < kSteps; ++i)
      copy16(has_step(item, i), to_ + i * kStepBytes,
             static_cast<const uint4*>(view_.rows) + (source_[i] + first), bytes, policy_);
    block_.full(stage).arrive_after_copies();
  }

  /// The same for rows that are not aligned to 16 bytes or too many, element by element.
  __device__ __forceinline__ void move(const ProductItem& item, int depth, int stage) {
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
    block_.full(stage).arrive();
  }

  const Block& block_;
  const ProductView& view_;
  bool by_chunks_;  // rows are copied 16 bytes at a time
  std::uint64_t policy_;
  /// Where this thread's chunk of step 0 goes in the ring's stage; step i goes i * kStepBytes
  /// further. Counted, not computed from the stage: ptxas 13.0 encodes a copy to the sum of a
  /// register and a uniform one as an instruction that does not exist.
  std::uint32_t to_;
  std::uint32_t source_[kSteps] = {};  // rows, or the first chunks of rows
  std::int32_t next_[kLookUps] = {};   // rows of the next item
  int half_ = 0;                       // of the memory for sources
};

}  // namespace switchyard::kernels::sm90
