#version 460
// SPDX-License-Identifier: Apache-2.0
// The GLSL body of stage "down", as kernels/down/simt.hpp: tiles of 16 packed rows by 64 columns.
#extension GL_GOOGLE_include_directive : require
#include "kernels/glsl/memory.glsl"
#include "kernels/glsl/elements.glsl"
#include "kernels/glsl/wave.glsl"
#include "kernels/down/down.glsl"

const int kMaxProducts = 1;
#include "kernels/glsl/tile.glsl"

int64_t x_start(int64_t row) { return row * int64_t(params.intermediate_size); }
int64_t w_start(int product, int64_t column) {
  return weight_row(tile_expert, column) * int64_t(params.intermediate_size);
}

void store_tile() {
  const int64_t hidden = int64_t(params.hidden_size);
  [[unroll]] for (int i = 0; i < kRowsPerThread; ++i) {
    const int64_t row = tile_row(thread_row(i));
    if (row < 0l) continue;
    [[unroll]] for (int j = 0; j < kColumnsPerThread; ++j) {
      const int64_t h = thread_column(j);
      if (h >= hidden) continue;
      store_element(uint(params.activation_dtype), params.expert_rows, row * hidden + h,
                    sums[0][i][j] + bias_of(tile_expert, h));
    }
  }
}

void main() {
  const int64_t hidden = int64_t(params.hidden_size);
  const int64_t column_tiles = ceil_div(hidden, kColumns);
  const int64_t tiles = num_row_tiles() * column_tiles;
  const int64_t step_size = int64_t(gl_NumWorkGroups.x);
  for (int64_t tile = int64_t(gl_WorkGroupID.x); tile < tiles; tile += step_size) {
    if (!enter_tile(tile, column_tiles)) {
      if (tile_expert < 0) break;
      continue;
    }
    multiply(1, params.activated, uint(params.activation_dtype), params.down,
             uint(params.weight_dtype), params.intermediate_size, hidden);
    store_tile();
  }
}
