// SPDX-License-Identifier: Apache-2.0
// Packed rows that lie side by side, by the copy engine: boxes of whole units, swizzled on the way.
#pragma once

#include <cstdint>

#include "kernels/sm90/copy.cuh"
#include "kernels/sm90/product/block.cuh"
#include "kernels/sm90/product/row_boxes.hpp"

namespace switchyard::kernels::sm90 {

/// One thread requests all. What lies beyond the last row or column of the matrix arrives as zeros;
/// rows beyond the item's last are others: their sums are not stored.
class BoxedRows {
 public:
  using Arguments = RowBoxes;
  static constexpr int kThreads = 32;
  static constexpr int kArrivals = 0;
  static constexpr bool kNeedsFence = false;

  __device__ BoxedRows(const Block& block, const ProductView& /*view*/,
                       const ProductLaunch& /*launch*/, const RowBoxes& boxes)
      : block_(block), boxes_(boxes) {}

  [[nodiscard]] __device__ __forceinline__ static int expected_bytes(const ProductItem& item) {
    return units_of(item) * kUnitBytes;
  }
  __device__ __forceinline__ void look_up(const ProductItem& /*item*/) {}
  __device__ __forceinline__ void begin(const ProductItem& /*item*/) {}

  __device__ __forceinline__ void request(const ProductItem& item, int depth, int stage) {
    if (threadIdx.x != 0) return;
    const int column = depth * ProductShape::kDepth;
    const int units = units_of(item);
    const Barrier full = block_.full(stage);
    std::uint32_t to = block_.rows(stage);
    int unit = 0;
#pragma unroll 1
    for (; unit + RowBoxes::kTallUnits <= units; unit += RowBoxes::kTallUnits) {
      box_copy(to, boxes_.tall, column, item.first_row + unit * ProductShape::kUnitRows, full);
      to += RowBoxes::kTallUnits * kUnitBytes;
    }
#pragma unroll 1
    for (; unit < units; ++unit) {
      box_copy(to, boxes_.flat, column, item.first_row + unit * ProductShape::kUnitRows, full);
      to += kUnitBytes;
    }
  }

 private:
  static constexpr int kUnitBytes = ProductShape::kUnitRows * ProductShape::kRowBytes;

  const Block& block_;
  const RowBoxes& boxes_;
};

}  // namespace switchyard::kernels::sm90
