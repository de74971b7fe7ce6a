// SPDX-License-Identifier: Apache-2.0
// The SIMT body of stage "gate_up": tiles of 16 packed rows by 32 features, gate and up side by
// side, the activation on the sums.
#pragma once

#include <string_view>

#include "kernels/activation.hpp"
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
      if (rows.expert >= 0) run_tile(product, params, rows, tile % column_tiles * Tile::kColumns);
    }
  }

 private:
  [[nodiscard]] SWITCHYARD_FN static std::int64_t token_of(const GateUpParams& params,
                                                           std::int64_t row) {
    return params.expert_offsets == nullptr ? row : value_of(params.packed_token_idx[row]);
  }

  /// The weight that the pair in `row` puts on its input: 1 where weights are applied at combine.
  [[nodiscard]] SWITCHYARD_FN static float input_weight(const GateUpParams& params,
                                                        std::int64_t row) {
    if (params.pair_weights == nullptr) return 1.0F;
    std::int64_t pair = token_of(params, row) * params.top_k;
    while (value_of(params.pairs_by_token[pair]) != row) ++pair;
    return params.pair_weights[pair];
  }

  template <class Ctx>
  SWITCHYARD_FN static void run_tile(TileProduct<Ctx>& product, const GateUpParams& params,
                                     const TileRows& rows, std::int64_t first_feature) {
    const bool gated = params.activation != ActivationKind::relu2;
    const std::int64_t hidden = params.hidden_size;
    const std::int64_t width = params.intermediate_size;
    const std::int64_t expert_row = rows.expert * (gated ? 2 : 1) * width;
    product.multiply(
        gated ? 2 : 1, hidden,
        [&](std::int32_t i, std::int64_t k) {
          const std::int64_t row = rows.row(i);
          if (row < 0) return 0.0F;
          return load_any(params.activation_dtype, params.hidden_states,
                          token_of(params, row) * hidden + k);
        },
        [&](std::int32_t which, std::int32_t column, std::int64_t k) {
          const std::int64_t feature = first_feature + column;
          if (feature >= width) return 0.0F;
          return load_any(params.weight_dtype, params.gate_up,
                          (expert_row + which * width + feature) * hidden + k);
        });
    const std::int64_t row = rows.row(product.row());
    if (row < 0) return;
    const float scale = input_weight(params, row);
    for (std::int32_t j = 0; j < Tile::kColumnsPerThread; ++j) {
      const std::int64_t feature = first_feature + product.column(j);
      if (feature >= width) continue;
      const auto finish = [&](std::int32_t which) {
        const std::int64_t weight_row = expert_row + which * width + feature;
        const float bias = params.bias == nullptr ? 0.0F : params.bias[weight_row];
        const float sum = scale * product.sums[which][j] + bias;
        return params.input_rounding == Rounding::activation
                   ? round_to(params.activation_dtype, sum)
                   : sum;
      };
      const float gate = gated ? finish(0) : 0.0F;
      const float up = finish(gated ? 1 : 0);
      store_any(params.activation_dtype, params.activated, row * width + feature,
                activate(params.activation, params.alpha, params.limit, gate, up));
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
