// SPDX-License-Identifier: Apache-2.0
// The matrix product of one task: the rows of an expert with some of its panels. Rows of x are
// widened to f32 in the thread's own memory, a block of k at a time; sums stay there until a panel
// is complete.
#pragma once

#include "backends/cpu/tuned/dot_tile.hpp"
#include "backends/cpu/tuned/rows.hpp"
#include "backends/cpu/tuned/shared_panel.hpp"
#include "backends/cpu/tuned/tile.hpp"

/// Rows and k that a thread holds at a time.
template <std::int64_t Rows, std::int64_t Depth>
struct Block {
  static constexpr std::int64_t kRows = Rows;
  static constexpr std::int64_t kDepth = Depth;
  static constexpr std::int64_t kStride = kRowStride<Depth>;
};
using PanelBlock = Block<48, 1024>;
/// Whole rows of most models: memory is read in long runs.
using DotBlock = Block<24, 2048>;

/// The thread's memory.
struct Workspace {
  float* x;     // [rows][stride]
  float* sums;  // [panels][rows][columns]

  explicit Workspace(std::span<std::byte> scratch)
      : x(reinterpret_cast<float*>(scratch.data())), sums(x + kFloatsOfX) {}

  static constexpr std::int64_t kFloatsOfX =
      std::max(PanelBlock::kRows * PanelBlock::kStride, DotBlock::kRows* DotBlock::kStride);
  static constexpr std::int64_t kFloatsOfSums = PanelBlock::kRows * kMaxTaskColumns;
};
static_assert((Workspace::kFloatsOfX + Workspace::kFloatsOfSums) * std::int64_t{sizeof(float)} <=
              std::int64_t{host::kScratchBytes});

/// x[r] = columns [first, first + count) of row r.
template <class S, class X>
inline void load_block(const X& rows, std::int64_t first_row, std::int64_t num_rows,
                       std::int64_t first, std::int64_t count, float* x, std::int64_t stride) {
  for (std::int64_t r = 0; r < num_rows; ++r)
    load_row<S>(rows.dtype, rows.address(first_row + r), first, count, x + r * stride);
}

/// sums of panels [first, last) with k in [first_k, first_k + depth), for as many rows as a tile
/// has at most.
template <class S, class Stored>
inline void multiply_panels(const Matrix& matrix, std::int64_t first, std::int64_t last,
                            std::int64_t first_k, std::int64_t depth, const float* x,
                            std::int64_t num_rows, float* sums) {
  constexpr std::int64_t kColumns = 2 * S::kLanes;
  // The mask that widens bf16 is one register too many.
  constexpr bool kThreeRowsFit = !std::is_same_v<Stored, bf16>;
  const std::int64_t next_panel = matrix.width * kColumns;
  const std::int64_t next_sums = num_rows * kColumns;
  const Stored* panel = panel_of<Stored>(matrix, first, kColumns) + first_k * kColumns;
  for (std::int64_t p = first; p < last;) {
    std::int64_t done = 1;
    if (num_rows == 1 && p + 4 <= last) {
      one_row_tile<S, Stored>(x, panel, next_panel, depth, sums, next_sums);
      done = 4;
    } else if (num_rows == 2 && p + 2 <= last) {
      two_panel_tile<S, Stored, 2, PanelBlock::kStride>(x, panel, next_panel, depth, sums,
                                                        next_sums);
      done = 2;
    } else if (kThreeRowsFit && num_rows == 3 && p + 2 <= last) {
      two_panel_tile<S, Stored, 3, PanelBlock::kStride>(x, panel, next_panel, depth, sums,
                                                        next_sums);
      done = 2;
    } else {
      tall_tile_of<S, Stored, PanelBlock::kStride>(num_rows, x, panel, depth,
                                                   FetchOwn<S, Stored>{panel}, sums);
    }
    p += done;
    panel += done * next_panel;
    sums += done * next_sums;
  }
}

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
  constexpr std::int64_t kStride = DotBlock::kStride;
  std::int64_t r = 0;
  for (; r + 2 <= num_rows; r += 2)
    dot_tile<S, Stored, 2, kStride>(x + r * kStride, weights, depth, sums + r * kColumns, kColumns);
  if (r < num_rows)
    dot_tile<S, Stored, 1, kStride>(x + r * kStride, weights, depth, sums + r * kColumns, kColumns);
}

/// multiply_panels where the matrix lies in rows.
template <class S, class Stored>
inline void multiply_rows(const Matrix& matrix, std::int64_t first, std::int64_t last,
                          std::int64_t first_k, std::int64_t depth, float* x, std::int64_t num_rows,
                          float* sums) {
  constexpr std::int64_t kColumns = 2 * S::kLanes;
  const Stored* const base = static_cast<const Stored*>(matrix.data) +
                             matrix.expert * matrix.panels.num_rows * matrix.width + first_k;
  for (std::int64_t r = 0; r < num_rows; ++r)
    order_as_panel<S, Stored>(x + r * DotBlock::kStride, depth);
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

/// Rows [rows.first, rows.last) of x with panels [first, last): finish(row, panel, sums) gets the
/// sums of one row and one panel.
template <class S, class Stored, class B, class X, class Finish>
inline void multiply_blocks(const Matrix& matrix, std::int64_t first, std::int64_t last, const X& x,
                            kernels::RowRange rows, const Workspace& work, const Finish& finish) {
  constexpr std::int64_t kColumns = 2 * S::kLanes;
  for (std::int64_t row = rows.first; row < rows.last; row += B::kRows) {
    const std::int64_t count = std::min(B::kRows, rows.last - row);
    std::fill_n(work.sums, (last - first) * count * kColumns, 0.0F);
    for (std::int64_t k = 0; k < matrix.width; k += B::kDepth) {
      const std::int64_t depth = std::min(B::kDepth, matrix.width - k);
      if constexpr (std::is_same_v<B, DotBlock>) {
        load_block<S>(x, row, count, k, depth, work.x, B::kStride);
        multiply_rows<S, Stored>(matrix, first, last, k, depth, work.x, count, work.sums);
      } else if (count > S::kTileRows) {
        load_runs<S>(x, row, count, k, depth, work.x);
        multiply_shared<S, Stored>(matrix, first, last, k, depth, work.x, count, work.sums);
      } else {
        load_block<S>(x, row, count, k, depth, work.x, B::kStride);
        multiply_panels<S, Stored>(matrix, first, last, k, depth, work.x, count, work.sums);
      }
    }
    const float* sums = work.sums;
    for (std::int64_t panel = first; panel < last; ++panel)
      for (std::int64_t r = 0; r < count; ++r, sums += kColumns) finish(row + r, panel, sums);
  }
}

template <class S, class Stored, class X, class Finish>
inline void multiply_stored(const Matrix& matrix, std::int64_t first, std::int64_t last, const X& x,
                            kernels::RowRange rows, const Workspace& work, const Finish& finish) {
  if (matrix.layout == WeightLayout::rows) {
    multiply_blocks<S, Stored, DotBlock>(matrix, first, last, x, rows, work, finish);
  } else {
    multiply_blocks<S, Stored, PanelBlock>(matrix, first, last, x, rows, work, finish);
  }
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
