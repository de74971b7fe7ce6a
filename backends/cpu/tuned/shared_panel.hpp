// SPDX-License-Identifier: Apache-2.0
// Panels that more rows meet than a tile has: several tiles read a panel, a run of k at a time, so
// that the run and its rows of x stay in the first-level cache. Runs follow one another as they lie
// in memory, and while one is multiplied the next is fetched.
#pragma once

#include "backends/cpu/tuned/matrix.hpp"
#include "backends/cpu/tuned/rows.hpp"
#include "backends/cpu/tuned/workspace.hpp"

/// k of a run.
inline constexpr std::int64_t kRunDepth = 128;

/// Rows are shared out evenly: no tile is left with one row where others have many.
template <class S>
struct RowTiles {
  std::int64_t rows;
  std::int64_t count;

  explicit RowTiles(std::int64_t num_rows)
      : rows(num_rows), count((num_rows + S::kTileRows - 1) / S::kTileRows) {}
  [[nodiscard]] std::int64_t first(std::int64_t tile) const { return tile * rows / count; }
};

/// Asks for columns [first, first + count) of a row of x: rows lie anywhere, so the processor does
/// not see the next one coming.
template <class X>
inline void fetch_row(const X& rows, std::int64_t row, std::int64_t first, std::int64_t count) {
  const auto address =
      reinterpret_cast<std::uintptr_t>(kernels::address(rows.dtype, rows.address(row), first));
  const std::uintptr_t bytes = static_cast<std::uintptr_t>(count) * size_of(rows.dtype);
  for (std::uintptr_t b = 0; b < bytes; b += 64) fetch<64>(address + b);
}

/// x = columns [first, first + count) of all rows, run by run: [run][row][kRunDepth].
template <class S, class X>
inline void load_runs(const X& rows, kernels::RowRange block, std::int64_t first,
                      std::int64_t count, float* x) {
  const std::int64_t num_rows = block.last - block.first;
  for (std::int64_t r = 0; r < num_rows; ++r) {
    if (r + 1 < num_rows) fetch_row(rows, block.first + r + 1, first, count);
    const void* const row = rows.address(block.first + r);
    for (std::int64_t k = 0; k < count; k += kRunDepth)
      load_row<S>(rows.dtype, row, first + k, std::min(kRunDepth, count - k),
                  x + k * num_rows + r * kRunDepth);
  }
}

/// All rows with one run of a panel.
template <class S, class Stored>
inline void multiply_run(const float* x, const RowTiles<S>& tiles, const Stored* run,
                         const Stored* next, std::int64_t depth, float* sums) {
  constexpr std::int64_t kColumns = 2 * S::kLanes;
  constexpr std::uintptr_t kBytes = kColumns * sizeof(Stored);  // of each k
  constexpr std::uintptr_t kPages = std::max<std::uintptr_t>(kRunDepth * kBytes / kPageBytes, 1);
  const std::uintptr_t shares = static_cast<std::uintptr_t>(tiles.count) * kPages;
  FetchShare<kPages> ahead{reinterpret_cast<std::uintptr_t>(next), (kBytes + shares - 1) / shares};
  for (std::int64_t tile = 0; tile < tiles.count; ++tile) {
    const std::int64_t first = tiles.first(tile);
    tall_tile_of<S, Stored, kRunDepth>(tiles.first(tile + 1) - first, x + first * kRunDepth, run,
                                       depth, ahead, sums + first * kColumns);
    ahead.address += ahead.step * static_cast<std::uintptr_t>(depth);
  }
}

/// sums of panels [first, last) with k in [first_k, first_k + depth); x as load_runs leaves it.
template <class S, class Stored>
inline void multiply_shared(const Matrix& matrix, std::int64_t first, std::int64_t last,
                            std::int64_t first_k, std::int64_t depth, const float* x,
                            std::int64_t num_rows, float* sums) {
  constexpr std::int64_t kColumns = 2 * S::kLanes;
  const RowTiles<S> tiles(num_rows);
  const std::int64_t next_panel = matrix.width * kColumns;
  const Stored* panel = panel_of<Stored>(matrix, first, kColumns) + first_k * kColumns;
  for (std::int64_t p = first; p < last; ++p, panel += next_panel, sums += num_rows * kColumns)
    for (std::int64_t k = 0; k < depth; k += kRunDepth) {
      const bool ends = k + kRunDepth >= depth;
      const Stored* const next = panel + (ends ? next_panel : (k + kRunDepth) * kColumns);
      multiply_run<S>(x + k * num_rows, tiles, panel + k * kColumns, next,
                      std::min(kRunDepth, depth - k), sums);
    }
}

/// The way of many rows, for multiply_block.
template <class S, class Stored>
struct SharedPanels {
  [[nodiscard]] static std::int64_t depth(std::int64_t num_rows) {
    return Workspace::kFloatsOfX / num_rows / kRunDepth * kRunDepth;
  }

  template <class X>
  static void load(const X& rows, kernels::RowRange block, std::int64_t first, std::int64_t count,
                   float* x) {
    load_runs<S>(rows, block, first, count, x);
  }

  static void multiply(const Matrix& matrix, std::int64_t first, std::int64_t last,
                       std::int64_t first_k, std::int64_t depth, const float* x,
                       std::int64_t num_rows, float* sums) {
    multiply_shared<S, Stored>(matrix, first, last, first_k, depth, x, num_rows, sums);
  }
};
