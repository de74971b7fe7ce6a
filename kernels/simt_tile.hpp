// SPDX-License-Identifier: Apache-2.0
// The tiled matrix product of the SIMT bodies of gate_up and down: 16 packed rows of one expert by
// 64 columns, through shared memory, f32 sums in the order of the inner dimension.
//
// A block of 128 threads stages 32 elements of the inner dimension at a time, as f32: the rows of
// x, and the columns' weights of each product (gate and up are two products over the same x). A
// thread then adds to 4 rows by 2 columns of each product. Lines of shared memory are one element
// longer than staged, so that neighbouring columns lie in different banks.
#pragma once

#include <utility>

#include "kernels/simt.hpp"
#include "kernels/simt_elements.hpp"
#include "switchyard/index.hpp"

namespace switchyard::kernels::simt {

/// Extents of a tile, and the part of it that a thread owns.
struct Tile {
  static constexpr std::int32_t kRows = 16;
  static constexpr std::int32_t kColumns = 64;
  static constexpr std::int32_t kDepth = 32;  // of the inner dimension, staged at a time
  static constexpr std::int32_t kPitch = kDepth + 1;
  static constexpr std::int32_t kThreads = 128;
  static constexpr std::int32_t kRowsPerThread = 4;
  static constexpr std::int32_t kColumnsPerThread = 2;
  static constexpr std::int32_t kColumnLanes = kColumns / kColumnsPerThread;
  static constexpr std::int32_t kStageLines = kThreads / kDepth;  // lines that are staged at once
  static constexpr std::int32_t kMaxProducts = 2;                 // gate and up
};
static_assert(Tile::kThreads * Tile::kRowsPerThread * Tile::kColumnsPerThread ==
              Tile::kRows * Tile::kColumns);

/// The rows of one tile: which packed rows, and whose.
struct TileRows {
  std::int32_t expert = -1;                  // -1: the tile has no rows
  const PackedRow* sorted_tokens = nullptr;  // [kRows], or null: rows first, first + 1, ...
  std::int64_t first = 0;
  std::int64_t end = 0;  // rows from here on are padding

  /// The packed row of tile row i, or -1: padding.
  [[nodiscard]] SWITCHYARD_FN std::int64_t row(std::int32_t i) const {
    const std::int64_t r = sorted_tokens == nullptr ? first + i : value_of(sorted_tokens[i]);
    return r < end ? r : -1;
  }
};

/// Row tiles of a launch: as many as the padded order of a plan can need, or all tokens without
/// one.
template <class Params>
[[nodiscard]] SWITCHYARD_FN constexpr std::int64_t num_row_tiles(const Params& params) noexcept {
  if (params.expert_offsets == nullptr) return ceil_div(params.max_rows, Tile::kRows);
  const std::int64_t active =
      params.max_rows < params.num_experts ? params.max_rows : params.num_experts;
  const std::int64_t slots = params.max_rows + active * (params.block_size - 1);
  return ceil_div(slots, params.block_size) * (params.block_size / Tile::kRows);
}

/// The rows of row tile `tile`. The same for all threads of a block.
template <class Params>
[[nodiscard]] SWITCHYARD_FN TileRows rows_of_tile(const Params& params, std::int64_t tile) {
  TileRows rows;
  rows.first = tile * Tile::kRows;
  if (params.expert_offsets == nullptr) {
    rows.end = live_count(params.live_tokens, params.max_rows);
    rows.expert = rows.first < rows.end ? 0 : -1;
    return rows;
  }
  rows.end = params.max_rows;
  rows.sorted_tokens = params.sorted_tokens + rows.first;
  rows.expert = value_of(params.block_ids[rows.first / params.block_size]);
  if (rows.expert >= 0 && rows.row(0) < 0) rows.expert = -1;
  return rows;
}

/// The sums of a thread: [product][i][j] belongs to TileProduct::row(i) and column(j).
template <int kProducts>
struct TileSums {
  float at[kProducts][Tile::kRowsPerThread][Tile::kColumnsPerThread] = {};
};

/// An operand of the product: rows of `dtype` in device memory.
struct TileOperand {
  const void* data;
  DType dtype;
};

/// The shared memory of a tile.
template <class Ctx>
class TileProduct {
 public:
  SWITCHYARD_FN explicit TileProduct(Ctx& ctx)
      : ctx_(ctx),
        x_(ctx.template shared<float>(Tile::kRows * Tile::kPitch)),
        w_(ctx.template shared<float>(Tile::kMaxProducts * Tile::kColumns * Tile::kPitch)) {}

  /// This thread's i-th row in the tile, and its j-th column.
  [[nodiscard]] SWITCHYARD_FN std::int32_t row(std::int32_t i) const {
    return ctx_.thread() / Tile::kColumnLanes * Tile::kRowsPerThread + i;
  }
  [[nodiscard]] SWITCHYARD_FN std::int32_t column(std::int32_t j) const {
    return ctx_.thread() % Tile::kColumnLanes + j * Tile::kColumnLanes;
  }

  /// For every product, row i and column j: the sum over k < depth of x(row, k) * w(product,
  /// column, k). x_start(row) and w_start(product, column) are the index of element k = 0 in their
  /// operand, or -1 where there is no such row or column. All threads of the block call it.
  template <int kProducts, class XStart, class WStart>
  [[nodiscard]] SWITCHYARD_FN TileSums<kProducts> multiply(const TileOperand& x,
                                                           const TileOperand& w, std::int64_t depth,
                                                           XStart x_start, WStart w_start) {
    constexpr std::int32_t kXLines = Tile::kRows / Tile::kStageLines;
    std::int64_t x_starts[kXLines];
    for (std::int32_t n = 0; n < kXLines; ++n) x_starts[n] = x_start(stage_line(n));
    TileSums<kProducts> sums;
    for (std::int64_t base = 0; base < depth; base += Tile::kDepth) {
      const std::int64_t k = base + stage_k();
      ctx_.sync();  // the stage before has been read
      with_type_of(x.dtype, [&](auto stored) {
        for (std::int32_t n = 0; n < kXLines; ++n)
          x_[stage_line(n) * Tile::kPitch + stage_k()] =
              k < depth && x_starts[n] >= 0 ? load<decltype(stored)>(x.data, x_starts[n] + k)
                                            : 0.0F;
      });
      with_type_of(w.dtype, [&](auto stored) {
        for (std::int32_t n = 0; n < kProducts * Tile::kColumns / Tile::kStageLines; ++n) {
          const std::int32_t line = stage_line(n);
          const std::int64_t start = w_start(line / Tile::kColumns, line % Tile::kColumns);
          w_[line * Tile::kPitch + stage_k()] =
              k < depth && start >= 0 ? load<decltype(stored)>(w.data, start + k) : 0.0F;
        }
      });
      ctx_.sync();
      accumulate(sums);
    }
    return sums;
  }

 private:
  template <class T>
  using Shared = decltype(std::declval<Ctx&>().template shared<T>(0));

  /// A thread stages element stage_k() of the lines stage_line(0), stage_line(1), ...
  [[nodiscard]] SWITCHYARD_FN std::int32_t stage_k() const { return ctx_.thread() % Tile::kDepth; }
  [[nodiscard]] SWITCHYARD_FN std::int32_t stage_line(std::int32_t n) const {
    return ctx_.thread() / Tile::kDepth + n * Tile::kStageLines;
  }

  template <int kProducts>
  SWITCHYARD_FN void accumulate(TileSums<kProducts>& sums) {
    for (std::int32_t k = 0; k < Tile::kDepth; ++k) {
      float x[Tile::kRowsPerThread];
      for (std::int32_t i = 0; i < Tile::kRowsPerThread; ++i) x[i] = x_[row(i) * Tile::kPitch + k];
      for (std::int32_t product = 0; product < kProducts; ++product)
        for (std::int32_t j = 0; j < Tile::kColumnsPerThread; ++j) {
          const float w = w_[(product * Tile::kColumns + column(j)) * Tile::kPitch + k];
          for (std::int32_t i = 0; i < Tile::kRowsPerThread; ++i)
            sums.at[product][i][j] += x[i] * w;
        }
    }
  }

  Ctx& ctx_;
  Shared<float> x_;  // [kRows, kPitch]
  Shared<float> w_;  // [kMaxProducts, kColumns, kPitch]
};

/// Blocks and threads for `row_tiles` by `columns`.
[[nodiscard]] inline LaunchShape tile_launch(std::int64_t row_tiles,
                                             std::int64_t columns) noexcept {
  return {blocks_for(row_tiles * ceil_div(columns, Tile::kColumns)), Tile::kThreads,
          shared_bytes<float>(Tile::kRows * Tile::kPitch) +
              shared_bytes<float>(Tile::kMaxProducts * Tile::kColumns * Tile::kPitch)};
}

}  // namespace switchyard::kernels::simt
