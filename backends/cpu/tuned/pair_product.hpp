// SPDX-License-Identifier: Apache-2.0
// The matrix product of one task where weights and activations are bf16 and the processor
// multiplies pairs of them: rows of x stay bf16 in the thread's own memory, and a pair of their
// elements is handled as the bits of one float.
//
// Pairs is what multiplies: multiply_panels(x, num_rows, panels, num_panels, next_panel, steps,
// sums) adds the products of `steps` steps of kPairStep pairs to sums[panel][row][column]. Panels
// are `next_panel` pairs apart. A row's sums do not depend on the rows and panels beside it.
// FewRows is the way of blocks of up to FewRows::kMostRows rows; it makes the same sums.
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

/// Pairs of a row that are held at a time: whole rows of most models.
inline constexpr std::int64_t kPairDepth = 1024;
inline constexpr std::int64_t kPairStride = kRowStride<kPairDepth>;
static_assert(kBlockRows * kPairStride <= Workspace::kFloatsOfX);
static_assert(kPairDepth % kPairStep == 0);

/// Steps of so many elements along the width.
[[nodiscard]] constexpr std::int64_t pair_steps(std::int64_t elements) {
  return (elements + 2 * kPairStep - 1) / (2 * kPairStep);
}
[[nodiscard]] inline std::int64_t pairs_of_panel(const Matrix& matrix) {
  return pair_steps(matrix.width) * kPairStep * kPairColumns;
}
/// Panel `panel` of a matrix, from the step of column first_k on.
[[nodiscard]] inline const Pair* pair_panel(const Matrix& matrix, std::int64_t panel,
                                            std::int64_t first_k) {
  return static_cast<const Pair*>(matrix.data) +
         (matrix.expert * matrix.panels.count() + panel) * pairs_of_panel(matrix) +
         first_k / 2 * kPairColumns;
}

/// The way of pairs, for multiply_block.
template <class Pairs>
class PairRows {
 public:
  [[nodiscard]] static std::int64_t depth(std::int64_t /*num_rows*/) { return 2 * kPairDepth; }

  /// Elements as they are, zeros up to a whole step.
  template <class X>
  static void load(const X& rows, kernels::RowRange block, std::int64_t first, std::int64_t count,
                   float* x) {
    const auto used = static_cast<std::size_t>(count) * sizeof(bf16);
    const auto padded = static_cast<std::size_t>(pair_steps(count) * kPairStep) * sizeof(Pair);
    for (std::int64_t r = 0; r < block.last - block.first; ++r) {
      auto* const to = reinterpret_cast<std::byte*>(x + r * kPairStride);
      std::memcpy(to, static_cast<const bf16*>(rows.address(block.first + r)) + first, used);
      std::memset(to + used, 0, padded - used);
    }
  }

  void multiply(const Matrix& matrix, std::int64_t first, std::int64_t last, std::int64_t first_k,
                std::int64_t depth, const float* x, std::int64_t num_rows, float* sums) {
    pairs_.multiply_panels(x, num_rows, pair_panel(matrix, first, first_k), last - first,
                           pairs_of_panel(matrix), pair_steps(depth), sums);
  }

 private:
  Pairs pairs_;
};

/// The product of a task over pair_tiles.
template <class S, class Pairs, class FewRows>
struct TilePairs {
  static constexpr WeightLayout kLayout = WeightLayout::pair_tiles;
  static_assert(2 * S::kLanes == kPairColumns);

  /// Rows [rows.first, rows.last) of x with panels [first, last): finish(row, panel, sums) gets the
  /// sums of one row and one panel.
  template <class X, class Finish>
  static void multiply(const Matrix& matrix, std::int64_t first, std::int64_t last, const X& x,
                       kernels::RowRange rows, const Workspace& work, const Finish& finish) {
    PairRows<Pairs> way;
    for_each_block<kBlockRows>(rows, [&](kernels::RowRange block) {
      if (block.last - block.first <= FewRows::kMostRows)
        return multiply_block<S>(FewRows(), matrix, first, last, x, block, work, finish);
      multiply_block<S>(way, matrix, first, last, x, block, work, finish);
    });
  }
};
