// SPDX-License-Identifier: Apache-2.0
// The matrix product of one task where weights and activations are bf16 and the processor
// multiplies pairs of them: rows of x stay bf16 in the thread's own memory, and a pair of their
// elements is handled as the bits of one float.
//
// Pairs is what multiplies: multiply_panels(x, num_rows, panels, num_panels, next_panel, steps,
// sums) adds the products of `steps` steps of kPairStep pairs to sums[panel][row][column]. Panels
// are `next_panel` pairs apart. A row's sums do not depend on the rows and panels beside it.
#pragma once

#include "backends/cpu/tuned/product.hpp"

/// Columns of a panel, and pairs of a step along the width.
inline constexpr std::int64_t kPairColumns = 32;
inline constexpr std::int64_t kPairStep = 16;

/// The two elements of a column for two neighbouring k.
struct Pair {
  bf16 first;
  bf16 second;
};

/// Rows that meet a panel at a time, with whole rows of most models.
struct PairBlock {
  static constexpr std::int64_t kRows = 48;
  static constexpr std::int64_t kDepth = 1024;  // in pairs
  static constexpr std::int64_t kStride = kRowStride<kDepth>;
};
static_assert(PairBlock::kRows * PairBlock::kStride <= Workspace::kFloatsOfX);
static_assert(PairBlock::kDepth % kPairStep == 0);

/// x[r] = elements [first, first + count) of row r as they are, zeros up to a whole step.
template <class X>
inline void copy_rows(const X& rows, std::int64_t first_row, std::int64_t num_rows,
                      std::int64_t first, std::int64_t count, float* x) {
  const std::int64_t padded = (count + 2 * kPairStep - 1) / (2 * kPairStep) * (2 * kPairStep);
  for (std::int64_t r = 0; r < num_rows; ++r) {
    auto* const to = reinterpret_cast<std::byte*>(x + r * PairBlock::kStride);
    const auto* const from = static_cast<const bf16*>(rows.address(first_row + r)) + first;
    std::memcpy(to, from, static_cast<std::size_t>(count) * sizeof(bf16));
    std::memset(to + static_cast<std::size_t>(count) * sizeof(bf16), 0,
                static_cast<std::size_t>(padded - count) * sizeof(bf16));
  }
}

/// Rows [rows.first, rows.last) of x with panels [first, last): finish(row, panel, sums) gets the
/// sums of one row and one panel.
template <class Pairs, class X, class Finish>
inline void multiply_pairs(const Matrix& matrix, std::int64_t first, std::int64_t last, const X& x,
                           kernels::RowRange rows, const Workspace& work, const Finish& finish) {
  const std::int64_t steps = (matrix.width + 2 * kPairStep - 1) / (2 * kPairStep);
  const std::int64_t next_panel = steps * kPairStep * kPairColumns;
  constexpr std::int64_t kStepsPerBlock = PairBlock::kDepth / kPairStep;
  const Pair* const panels =
      static_cast<const Pair*>(matrix.data) + matrix.expert * matrix.panels.count() * next_panel;
  Pairs pairs;
  for (std::int64_t row = rows.first; row < rows.last; row += PairBlock::kRows) {
    const std::int64_t count = std::min(PairBlock::kRows, rows.last - row);
    std::fill_n(work.sums, (last - first) * count * kPairColumns, 0.0F);
    for (std::int64_t step = 0; step < steps; step += kStepsPerBlock) {
      const std::int64_t some = std::min(kStepsPerBlock, steps - step);
      const std::int64_t k = step * 2 * kPairStep;
      copy_rows(x, row, count, k, std::min(some * 2 * kPairStep, matrix.width - k), work.x);
      pairs.multiply_panels(work.x, count,
                            panels + first * next_panel + step * kPairStep * kPairColumns,
                            last - first, next_panel, some, work.sums);
    }
    const float* sums = work.sums;
    for (std::int64_t panel = first; panel < last; ++panel)
      for (std::int64_t r = 0; r < count; ++r, sums += kPairColumns) finish(row + r, panel, sums);
  }
}
