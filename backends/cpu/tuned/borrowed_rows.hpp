// SPDX-License-Identifier: Apache-2.0
// Matrices that lie in rows, as in checkpoints.
#pragma once

#include "backends/cpu/tuned/dot_tile.hpp"
#include "backends/cpu/tuned/matrix.hpp"
#include "backends/cpu/tuned/rows.hpp"
#include "backends/cpu/tuned/workspace.hpp"

/// Rows and k that are held at a time: whole rows of most models, so that memory is read in long
/// runs.
inline constexpr std::int64_t kBorrowedRows = 24;
inline constexpr std::int64_t kBorrowedDepth = 2048;
inline constexpr std::int64_t kBorrowedStride = kRowStride<kBorrowedDepth>;
static_assert(kBorrowedRows * kBorrowedStride <= Workspace::kFloatsOfX);

/// Columns [column, column + 4) of a panel, where the matrix lies in rows. A column beyond the last
/// is the first row once more; nobody reads it.
template <class Stored>
inline void find_rows(const Matrix& matrix, std::int64_t panel, std::int64_t column,
                      const Stored* base, WeightRows<Stored>& weights) {
  for (std::int64_t j = 0; j < 4; ++j) {
    const std::int64_t row = matrix.panels.row_of(panel, column + j);
    weights.row[j] = base + (row < 0 ? 0 : row) * matrix.width;
  }
}

/// Four weight rows with all rows of x.
template <class S, class Stored>
inline void multiply_four(const float* x, std::int64_t num_rows, const WeightRows<Stored>& weights,
                          std::int64_t depth, float* sums) {
  constexpr std::int64_t kColumns = 2 * S::kLanes;
  constexpr std::int64_t kStride = kBorrowedStride;
  std::int64_t r = 0;
  for (; r + 2 <= num_rows; r += 2)
    dot_tile<S, Stored, 2, kStride>(x + r * kStride, weights, depth, sums + r * kColumns, kColumns);
  if (r < num_rows)
    dot_tile<S, Stored, 1, kStride>(x + r * kStride, weights, depth, sums + r * kColumns, kColumns);
}

/// sums of panels [first, last) with k in [first_k, first_k + depth).
template <class S, class Stored>
inline void multiply_borrowed(const Matrix& matrix, std::int64_t first, std::int64_t last,
                              std::int64_t first_k, std::int64_t depth, const float* x,
                              std::int64_t num_rows, float* sums) {
  constexpr std::int64_t kColumns = 2 * S::kLanes;
  const Stored* const base = static_cast<const Stored*>(matrix.data) +
                             matrix.expert * matrix.panels.num_rows * matrix.width + first_k;
  WeightRows<Stored> next;
  find_rows(matrix, first, 0, base, next);
  for (std::int64_t p = first; p < last; ++p, sums += num_rows * kColumns)
    for (std::int64_t column = 0; column < kColumns; column += 4) {
      WeightRows<Stored> weights = next;
      const bool ends = column + 4 == kColumns;
      find_rows(matrix, ends ? p + 1 : p, ends ? 0 : column + 4, base, next);
      weights.next = reinterpret_cast<std::uintptr_t>(next.row[0]) -
                     reinterpret_cast<std::uintptr_t>(weights.row[0]);
      multiply_four<S, Stored>(x, num_rows, weights, depth, sums + column);
    }
}

/// The way of matrices in rows, for multiply_block.
template <class S, class Stored>
struct BorrowedRows {
  [[nodiscard]] static std::int64_t depth(std::int64_t /*num_rows*/) { return kBorrowedDepth; }

  template <class X>
  static void load(const X& rows, kernels::RowRange block, std::int64_t first, std::int64_t count,
                   float* x) {
    load_rows<S>(rows, block, first, count, x, kBorrowedStride);
    for (std::int64_t r = 0; r < block.last - block.first; ++r)
      order_as_panel<S, Stored>(x + r * kBorrowedStride, count);
  }

  static void multiply(const Matrix& matrix, std::int64_t first, std::int64_t last,
                       std::int64_t first_k, std::int64_t depth, const float* x,
                       std::int64_t num_rows, float* sums) {
    multiply_borrowed<S, Stored>(matrix, first, last, first_k, depth, x, num_rows, sums);
  }
};
