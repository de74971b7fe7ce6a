// SPDX-License-Identifier: Apache-2.0
// Panels that no more rows meet than a tile has.
#pragma once

#include "backends/cpu/tuned/matrix.hpp"
#include "backends/cpu/tuned/rows.hpp"
#include "backends/cpu/tuned/workspace.hpp"

/// k that are held at a time: whole rows of most models, so that memory is read in long runs.
inline constexpr std::int64_t kFewRowsDepth = 4096;
inline constexpr std::int64_t kFewRowsStride = kRowStride<kFewRowsDepth>;

/// sums of panels [first, last) with k in [first_k, first_k + depth).
template <class S, class Stored>
inline void multiply_few_rows(const Matrix& matrix, std::int64_t first, std::int64_t last,
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
      two_panel_tile<S, Stored, 2, kFewRowsStride>(x, panel, next_panel, depth, sums, next_sums);
      done = 2;
    } else if (kThreeRowsFit && num_rows == 3 && p + 2 <= last) {
      two_panel_tile<S, Stored, 3, kFewRowsStride>(x, panel, next_panel, depth, sums, next_sums);
      done = 2;
    } else {
      tall_tile_of<S, Stored, kFewRowsStride>(num_rows, x, panel, depth, FetchOwn<S, Stored>{panel},
                                              sums);
    }
    p += done;
    panel += done * next_panel;
    sums += done * next_sums;
  }
}

/// The way of few rows, for multiply_block.
template <class S, class Stored>
struct FewRows {
  static_assert(S::kTileRows * kFewRowsStride <= Workspace::kFloatsOfX);

  [[nodiscard]] static std::int64_t depth(std::int64_t /*num_rows*/) { return kFewRowsDepth; }

  template <class X>
  static void load(const X& rows, kernels::RowRange block, std::int64_t first, std::int64_t count,
                   float* x) {
    load_rows<S>(rows, block, first, count, x, kFewRowsStride);
  }

  static void multiply(const Matrix& matrix, std::int64_t first, std::int64_t last,
                       std::int64_t first_k, std::int64_t depth, const float* x,
                       std::int64_t num_rows, float* sums) {
    multiply_few_rows<S, Stored>(matrix, first, last, first_k, depth, x, num_rows, sums);
  }
};
