// SPDX-License-Identifier: Apache-2.0
// The SIMT body of stage "down": tiles of 16 packed rows by 64 columns.
#pragma once

#include <string_view>

#include "kernels/down/params.hpp"
#include "kernels/simt_tile.hpp"

namespace switchyard::kernels::simt {

struct DownBody {
  using Params = DownParams;
  static constexpr std::string_view kName = "down";

  template <class Ctx>
  SWITCHYARD_FN static void run(Ctx& ctx, const DownParams& params) {
    TileProduct<Ctx> product(ctx);
    const std::int64_t column_tiles = ceil_div(params.hidden_size, Tile::kColumns);
    const std::int64_t tiles = num_row_tiles(params) * column_tiles;
    for (std::int64_t tile = ctx.block(); tile < tiles; tile += ctx.num_blocks()) {
      const TileRows rows = rows_of_tile(params, tile / column_tiles);
      if (rows.expert >= 0) run_tile(product, params, rows, tile % column_tiles * Tile::kColumns);
    }
  }

 private:
  template <class Ctx>
  SWITCHYARD_FN static void run_tile(TileProduct<Ctx>& product, const DownParams& params,
                                     const TileRows& rows, std::int64_t first_column) {
    const std::int64_t hidden = params.hidden_size;
    const std::int64_t width = params.intermediate_size;
    const std::int64_t expert_row = rows.expert * hidden;
    const TileSums<1> sums = product.template multiply<1>(
        {params.activated, params.activation_dtype}, {params.down, params.weight_dtype}, width,
        [&](std::int32_t i) {
          const std::int64_t row = rows.row(i);
          return row < 0 ? -1 : row * width;
        },
        [&](std::int32_t /*which*/, std::int32_t column) {
          const std::int64_t h = first_column + column;
          return h >= hidden ? -1 : (expert_row + h) * width;
        });
    for (std::int32_t i = 0; i < Tile::kRowsPerThread; ++i) {
      const std::int64_t row = rows.row(product.row(i));
      if (row < 0) continue;
      for (std::int32_t j = 0; j < Tile::kColumnsPerThread; ++j) {
        const std::int64_t h = first_column + product.column(j);
        if (h >= hidden) continue;
        const float bias = params.bias == nullptr ? 0.0F : params.bias[expert_row + h];
        store_any(params.activation_dtype, params.expert_rows, row * hidden + h,
                  sums.at[0][i][j] + bias);
      }
    }
  }
};

/// Calls launch.template operator()<Body>(shape, params) for every launch of the stage.
template <class Launch>
void launch_all(const DownParams& params, int /*wave_size*/, Launch&& launch) {
  launch.template operator()<DownBody>(tile_launch(num_row_tiles(params), params.hidden_size),
                                       params);
}

}  // namespace switchyard::kernels::simt
