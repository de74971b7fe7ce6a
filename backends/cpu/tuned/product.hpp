// SPDX-License-Identifier: Apache-2.0
// The matrix product of one task: the rows of an expert with some of its panels. Rows of x are
// widened to f32 in the thread's own memory, as many k at a time as it holds; sums stay there until
// a panel is complete.
//
// A way to multiply is a type with
//   depth(num_rows)                           the k that it holds of so many rows
//   load(rows, block, first, count, x)        x = columns [first, first + count) of a block of rows
//   multiply(matrix, first, last, first_k, depth, x, num_rows, sums)
//                                             adds to sums[panel][row][column] of panels
//                                             [first, last) the products of k in
//                                             [first_k, first_k + depth)
#pragma once

#include "backends/cpu/tuned/borrowed_rows.hpp"
#include "backends/cpu/tuned/few_rows.hpp"
#include "backends/cpu/tuned/shared_panel.hpp"

/// visit(block) for blocks of rows of equal height, kMostRows at most.
template <std::int64_t kMostRows, class Visit>
inline void for_each_block(kernels::RowRange rows, const Visit& visit) {
  const std::int64_t count = rows.last - rows.first;
  const std::int64_t blocks = (count + kMostRows - 1) / kMostRows;
  for (std::int64_t b = 0; b < blocks; ++b)
    visit(
        kernels::RowRange{rows.first + b * count / blocks, rows.first + (b + 1) * count / blocks});
}

/// One block of rows with panels [first, last): finish(row, panel, sums) gets the sums of one row
/// and one panel.
template <class S, class Way, class X, class Finish>
inline void multiply_block(Way&& way, const Matrix& matrix, std::int64_t first, std::int64_t last,
                           const X& x, kernels::RowRange block, const Workspace& work,
                           const Finish& finish) {
  constexpr std::int64_t kColumns = 2 * S::kLanes;
  const std::int64_t count = block.last - block.first;
  const std::int64_t most = way.depth(count);
  const bool whole = matrix.width <= most;
  constexpr std::int64_t kTogether = Workspace::kSumColumns / kColumns;
  for (std::int64_t panel = first; panel < last; panel += kTogether) {
    const std::int64_t end = std::min(panel + kTogether, last);
    std::fill_n(work.sums, (end - panel) * count * kColumns, 0.0F);
    for (std::int64_t k = 0; k < matrix.width; k += most) {
      const std::int64_t depth = std::min(most, matrix.width - k);
      if (panel == first || !whole) way.load(x, block, k, depth, work.x);
      way.multiply(matrix, panel, end, k, depth, work.x, count, work.sums);
    }
    for (std::int64_t row = block.first; row < block.last; ++row)
      for (std::int64_t p = panel; p < end; ++p)
        finish(row, p, work.sums + ((p - panel) * count + row - block.first) * kColumns);
  }
}

/// Rows [rows.first, rows.last) of x with panels [first, last).
template <class S, class Stored, class X, class Finish>
inline void multiply_stored(const Matrix& matrix, std::int64_t first, std::int64_t last, const X& x,
                            kernels::RowRange rows, const Workspace& work, const Finish& finish) {
  if (matrix.layout == WeightLayout::rows)
    return for_each_block<kBorrowedRows>(rows, [&](kernels::RowRange block) {
      multiply_block<S>(BorrowedRows<S, Stored>(), matrix, first, last, x, block, work, finish);
    });
  for_each_block<kBlockRows>(rows, [&](kernels::RowRange block) {
    if (block.last - block.first > S::kTileRows) {
      multiply_block<S>(SharedPanels<S, Stored>(), matrix, first, last, x, block, work, finish);
    } else {
      multiply_block<S>(FewRows<S, Stored>(), matrix, first, last, x, block, work, finish);
    }
  });
}

template <class S, class X, class Finish>
inline void multiply(const Matrix& matrix, std::int64_t first, std::int64_t last, const X& x,
                     kernels::RowRange rows, const Workspace& work, const Finish& finish) {
  if (matrix.dtype == DType::f32)
    return multiply_stored<S, float>(matrix, first, last, x, rows, work, finish);
  if (matrix.dtype == DType::bf16)
    return multiply_stored<S, bf16>(matrix, first, last, x, rows, work, finish);
  return multiply_stored<S, f16>(matrix, first, last, x, rows, work, finish);
}
