// SPDX-License-Identifier: Apache-2.0
// The tiled matrix product of the SIMT bodies of gate_up and down: 16 packed rows of one expert by
// 32 columns, through shared memory, f32 sums in the order of the inner dimension.
#pragma once

#include <utility>

#include "kernels/elements.hpp"
#include "kernels/simt.hpp"
#include "switchyard/index.hpp"

namespace switchyard::kernels::simt {

/// Extents of a tile. A thread owns one row and kColumnsPerThread columns of each product.
struct Tile {
  static constexpr std::int32_t kRows = 16;
  static constexpr std::int32_t kColumns = 32;
  static constexpr std::int32_t kDepth = 32;  // of the inner dimension, staged at a time
  static constexpr std::int32_t kPitch = kDepth + 1;
  static constexpr std::int32_t kThreads = 128;
  static constexpr std::int32_t kThreadsPerRow = kThreads / kRows;
  static constexpr std::int32_t kColumnsPerThread = kColumns / kThreadsPerRow;
  static constexpr std::int32_t kMaxProducts = 2;  // gate and up
};

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

/// The shared memory of a tile and its sums.
template <class Ctx>
struct TileProduct {
  template <class T>
  using Shared = decltype(std::declval<Ctx&>().template shared<T>(0));

  Ctx& ctx;
  Shared<float> x;  // [kRows, kPitch]
  Shared<float> w;  // [kMaxProducts, kColumns, kPitch]
  float sums[Tile::kMaxProducts][Tile::kColumnsPerThread];

  SWITCHYARD_FN explicit TileProduct(Ctx& ctx_in)
      : ctx(ctx_in),
        x(ctx.template shared<float>(Tile::kRows * Tile::kPitch)),
        w(ctx.template shared<float>(Tile::kMaxProducts * Tile::kColumns * Tile::kPitch)) {}

  /// This thread's row in the tile, and its j-th column.
  [[nodiscard]] SWITCHYARD_FN std::int32_t row() const {
    return ctx.thread() / Tile::kThreadsPerRow;
  }
  [[nodiscard]] SWITCHYARD_FN std::int32_t column(std::int32_t j) const {
    return ctx.thread() % Tile::kThreadsPerRow + j * Tile::kThreadsPerRow;
  }

  /// sums[product][j] = sum over k < depth of x_at(row, k) * w_at(product, column, k). All threads
  /// of the block call it; x_at and w_at give 0 where there is no row or column.
  template <class XAt, class WAt>
  SWITCHYARD_FN void multiply(std::int32_t products, std::int64_t depth, XAt x_at, WAt w_at) {
    for (auto& product : sums)
      for (float& sum : product) sum = 0.0F;
    for (std::int64_t base = 0; base < depth; base += Tile::kDepth) {
      ctx.sync();  // the stage before has been read
      for (std::int32_t i = ctx.thread(); i < Tile::kRows * Tile::kDepth; i += Tile::kThreads) {
        const std::int32_t k = i % Tile::kDepth;
        x[i / Tile::kDepth * Tile::kPitch + k] =
            base + k < depth ? x_at(i / Tile::kDepth, base + k) : 0.0F;
      }
      for (std::int32_t i = ctx.thread(); i < products * Tile::kColumns * Tile::kDepth;
           i += Tile::kThreads) {
        const std::int32_t k = i % Tile::kDepth;
        const std::int32_t line = i / Tile::kDepth;
        w[line * Tile::kPitch + k] =
            base + k < depth ? w_at(line / Tile::kColumns, line % Tile::kColumns, base + k) : 0.0F;
      }
      ctx.sync();
      accumulate(products);
    }
  }

 private:
  SWITCHYARD_FN void accumulate(std::int32_t products) {
    for (std::int32_t k = 0; k < Tile::kDepth; ++k) {
      const float value = x[row() * Tile::kPitch + k];
      for (std::int32_t product = 0; product < products; ++product)
        for (std::int32_t j = 0; j < Tile::kColumnsPerThread; ++j)
          sums[product][j] += value * w[(product * Tile::kColumns + column(j)) * Tile::kPitch + k];
    }
  }
};

/// Blocks and threads for `row_tiles` by `columns`.
[[nodiscard]] inline LaunchShape tile_launch(std::int64_t row_tiles,
                                             std::int64_t columns) noexcept {
  return {blocks_for(row_tiles * ceil_div(columns, Tile::kColumns)), Tile::kThreads,
          shared_bytes<float>(Tile::kRows * Tile::kPitch) +
              shared_bytes<float>(Tile::kMaxProducts * Tile::kColumns * Tile::kPitch)};
}

}  // namespace switchyard::kernels::simt
