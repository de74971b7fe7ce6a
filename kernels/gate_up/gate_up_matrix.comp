#version 460
// SPDX-License-Identifier: Apache-2.0
// The body of stage "gate_up" for many rows per expert. Two neighbouring fragments along the lines
// are gate and up of 16 features, so that the activation meets both in one lane; without a gate they
// are features side by side.
#extension GL_GOOGLE_include_directive : require
#include "kernels/glsl/memory.glsl"
#include "kernels/glsl/elements.glsl"
#include "kernels/glsl/math.glsl"
#include "kernels/glsl/activation.glsl"
#include "kernels/glsl/wave.glsl"
#include "kernels/gate_up/gate_up.glsl"
#include "kernels/glsl/octets.glsl"
#include "kernels/gate_up/features.glsl"
#include "kernels/glsl/matrix_product.glsl"

int64_t tile_first_feature;

int features_per_tile() { return kTileLines / num_products(); }

uint64_t x_address(int64_t row) {
  return params.hidden_states + uint64_t(token_of(row) * int64_t(params.hidden_size)) * 2ul;
}

/// The tile's feature that a row of w belongs to.
int feature_of_line(int line) {
  return num_products() == 2 ? line / (2 * kFragment) * kFragment + line % kFragment : line;
}

uint64_t w_address(int line) {
  const bool gated = num_products() == 2;
  const int64_t feature = tile_first_feature + int64_t(feature_of_line(line));
  if (feature >= int64_t(params.intermediate_size)) return 0ul;
  const int64_t row = weight_row(tile_expert, gated ? line / kFragment % 2 : 0, feature);
  return params.gate_up + uint64_t(row * int64_t(params.hidden_size)) * 2ul;
}

void store_pairs(int64_t row, int line, vec2 first, vec2 second) {
  const float scale = input_weight(row);
  const bool gated = num_products() == 2;
  const int64_t feature = tile_first_feature + int64_t(feature_of_line(line));
  store_features(tile_expert, row, feature, scale, first, gated ? second : first);
  if (!gated) store_features(tile_expert, row, feature + int64_t(kFragment), scale, second, second);
}

void main() {
  const int64_t column_tiles = ceil_div(int64_t(params.intermediate_size), features_per_tile());
  const int64_t tiles = num_row_tiles() * column_tiles;
  const int64_t step_size = int64_t(gl_NumWorkGroups.x);
  for (int64_t tile = int64_t(gl_WorkGroupID.x); tile < tiles; tile += step_size) {
    const int64_t row_tile = quotient(tile, int(column_tiles));
    if (!enter_row_tile(row_tile)) break;
    tile_first_feature = (tile - row_tile * column_tiles) * int64_t(features_per_tile());
    multiply(params.hidden_size);
    store_tile();
  }
}
