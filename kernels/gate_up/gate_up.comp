#version 460
// SPDX-License-Identifier: Apache-2.0
// The GLSL body of stage "gate_up", as kernels/gate_up/simt.hpp: tiles of 16 packed rows by 64
// features, gate and up side by side, the activation on the sums.
#extension GL_GOOGLE_include_directive : require
#include "kernels/glsl/memory.glsl"
#include "kernels/glsl/elements.glsl"
#include "kernels/glsl/math.glsl"
#include "kernels/glsl/activation.glsl"
#include "kernels/glsl/wave.glsl"
#include "kernels/gate_up/gate_up.glsl"

const int kMaxProducts = 2;
#include "kernels/glsl/tile.glsl"

int64_t x_start(int64_t row) { return token_of(row) * int64_t(params.hidden_size); }
int64_t w_start(int product, int64_t column) {
  return weight_row(tile_expert, product, column) * int64_t(params.hidden_size);
}

void store_tile() {
  const int64_t width = int64_t(params.intermediate_size);
  const bool gated = num_products() == 2;
  [[unroll]] for (int i = 0; i < kRowsPerThread; ++i) {
    const int64_t row = tile_row(thread_row(i));
    if (row < 0l) continue;
    const float scale = input_weight(row);
    [[unroll]] for (int j = 0; j < kColumnsPerThread; ++j) {
      const int64_t feature = thread_column(j);
      if (feature >= width) continue;
      const float up_sum = gated ? sums[1][i][j] : sums[0][i][j];
      store_element(uint(params.activation_dtype), params.activated, row * width + feature,
                    feature_of(tile_expert, feature, scale, sums[0][i][j], up_sum));
    }
  }
}

void main() {
  const int64_t width = int64_t(params.intermediate_size);
  const int64_t column_tiles = ceil_div(width, kColumns);
  const int64_t tiles = num_row_tiles() * column_tiles;
  const int64_t step_size = int64_t(gl_NumWorkGroups.x);
  for (int64_t tile = int64_t(gl_WorkGroupID.x); tile < tiles; tile += step_size) {
    if (!enter_tile(tile, column_tiles)) {
      if (tile_expert < 0) break;
      continue;
    }
    multiply(num_products(), params.hidden_states, uint(params.activation_dtype), params.gate_up,
             uint(params.weight_dtype), params.hidden_size, width);
    store_tile();
  }
}
