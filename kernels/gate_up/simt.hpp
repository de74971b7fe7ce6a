// SPDX-License-Identifier: Apache-2.0
// The SIMT body of stage "gate_up": tiles of 16 packed rows by 64 features, gate and up side by
// side, the activation on the sums.
#pragma once

#include <string_view>

#include "kernels/activation.hpp"
#include "kernels/gate_up/input_rows.hpp"
#include "kernels/gate_up/params.hpp"
#include "kernels/simt_tile.hpp"

namespace switchyard::kernels::simt {

struct GateUpBody {
  using Params = GateUpParams;
  static constexpr std::string_view kName = "gate_up";

  template <class Ctx>
  SWITCHYARD_FN static void run(Ctx& ctx, const GateUpParams& params) {
    TileProduct<Ctx> product(ctx);
    const std::int64_t column_tiles = ceil_div(params.intermediate_size, Tile::kColumns);
    const std::int64_t tiles = num_row_tiles(params) * column_tiles;
    for (std::int64_t tile = ctx.block(); tile < tiles; tile += ctx.num_blocks()) {
      const TileRows rows = rows_of_tile(params, tile / column_tiles);
      const std::int64_t first_feature = tile % column_tiles * Tile::kColumns;
      if (rows.expert < 0) continue;
      if (params.activation == ActivationKind::relu2)
        run_tile<1>(product, params, rows, first_feature);
      else
        run_tile<2>(product, params, rows, first_feature);
    }
  }

 private:
  /// kProducts: 2, the gate's product and then up's, or 1: up alone.
  template <int kProducts, class Ctx>
  SWITCHYARD_FN static void run_tile(TileProduct<Ctx>& product, const GateUpParams& params,
                                     const TileRows& rows, std::int64_t first_feature) {
    const std::int64_t hidden = params.hidden_size;
    const std::int64_t width = params.intermediate_size;
    const std::int64_t expert_row = rows.expert * kProducts * width;
    const TileSums<kProducts> sums = product.template multiply<kProducts>(
        {params.hidden_states, params.activation_dtype}, {params.gate_up, params.weight_dtype},
        hidden,
        [&](std::int32_t i) {
          const std::int64_t row = rows.row(i);
          return row < 0 ? -1 : token_of(params, row) * hidden;
        },
        [&](std::int32_t which, std::int32_t column) {
          const std::int64_t feature = first_feature + column;
          return feature >= width ? -1 : (expert_row + which * width + feature) * hidden;
        });
    for (std::int32_t i = 0; i < Tile::kRowsPerThread; ++i) {
      const std::int64_t row = rows.row(product.row(i));
      if (row < 0) continue;
      const float scale = input_weight(params, row);
      for (std::int32_t j = 0; j < Tile::kColumnsPerThread; ++j) {
        const std::int64_t feature = first_feature + product.column(j);
        if (feature >= width) continue;
        const auto finish = [&](std::int32_t which, float product_sum) {
          const std::int64_t weight_row = expert_row + which * width + feature;
          const float bias = params.bias == nullptr ? 0.0F : params.bias[weight_row];
          const float sum = scale * product_sum + bias;
          return params.input_rounding == Rounding::activation
                     ? round_to(params.activation_dtype, sum)
                     : sum;
        };
        const float gate = kProducts == 2 ? finish(0, sums.at[0][i][j]) : 0.0F;
        const float up = finish(kProducts - 1, sums.at[kProducts - 1][i][j]);
        store_any(params.activation_dtype, params.activated, row * width + feature,
                  activate(params.activation, params.alpha, params.limit, gate, up));
      }
    }
  }
};

/// Calls launch.template operator()<Body>(shape, params) for every launch of the stage.
template <class Launch>
void launch_all(const GateUpParams& params, int /*wave_size*/, Launch&& launch) {
  launch.template operator()<GateUpBody>(
      tile_launch(num_row_tiles(params), params.intermediate_size), params);
}

}  // namespace switchyard::kernels::simt
