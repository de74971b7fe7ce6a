#version 460
// SPDX-License-Identifier: Apache-2.0
// The body of stage "down" for many rows per expert.
#extension GL_GOOGLE_include_directive : require
#include "kernels/glsl/memory.glsl"
#include "kernels/glsl/elements.glsl"
#include "kernels/glsl/wave.glsl"
#include "kernels/down/down.glsl"
#include "kernels/glsl/octets.glsl"
#include "kernels/down/columns.glsl"
#include "kernels/glsl/matrix_product.glsl"

int64_t tile_first_column;

uint64_t x_address(int64_t row) {
  return params.activated + uint64_t(row * int64_t(params.intermediate_size)) * 2ul;
}

uint64_t w_address(int line) {
  const int64_t column = tile_first_column + int64_t(line);
  if (column >= int64_t(params.hidden_size)) return 0ul;
  return params.down +
         uint64_t(weight_row(tile_expert, column) * int64_t(params.intermediate_size)) * 2ul;
}

void store_pairs(int64_t row, int line, vec2 first, vec2 second) {
  const int64_t start = tile_first_column + int64_t(line);
  store_columns(tile_expert, row, start, first);
  store_columns(tile_expert, row, start + int64_t(kFragment), second);
}

void main() {
  const int64_t column_tiles = ceil_div(int64_t(params.hidden_size), kTileLines);
  const int64_t tiles = num_row_tiles() * column_tiles;
  const int64_t step_size = int64_t(gl_NumWorkGroups.x);
  for (int64_t tile = int64_t(gl_WorkGroupID.x); tile < tiles; tile += step_size) {
    const int64_t row_tile = quotient(tile, int(column_tiles));
    if (!enter_row_tile(row_tile)) break;
    tile_first_column = (tile - row_tile * column_tiles) * int64_t(kTileLines);
    multiply(params.intermediate_size);
    store_tile();
  }
}
