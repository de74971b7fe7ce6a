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

layout(push_constant, scalar) uniform Params {
  uint64_t hidden_states;
  uint64_t gate_up;
  uint64_t bias;
  uint64_t activated;
  uint64_t expert_offsets;
  uint64_t packed_token_idx;
  uint64_t sorted_tokens;
  uint64_t block_ids;
  uint64_t pairs_by_token;
  uint64_t pair_weights;
  uint64_t live_tokens;
  int max_rows;
  int top_k;
  int hidden_size;
  int intermediate_size;
  int num_experts;
  int block_size;
  float alpha;
  float limit;
  uint8_t activation;
  uint8_t input_rounding;
  uint8_t activation_dtype;
  uint8_t weight_dtype;
  uint8_t weight_layout;
} params;

const int kMaxProducts = 2;
#include "kernels/glsl/tile.glsl"

/// 2: the gate's product and then up's; 1: up alone.
int num_products() { return uint(params.activation) == kRelu2 ? 1 : 2; }

int64_t token_of(int64_t row) {
  return params.expert_offsets == 0ul ? row : int64_t(load_int(params.packed_token_idx, row));
}

/// The row of gate_up and bias that makes a feature of product `which`.
int64_t weight_row(int which, int64_t feature) {
  const int64_t products = int64_t(tile_expert) * int64_t(num_products()) + int64_t(which);
  return products * int64_t(params.intermediate_size) + feature;
}

int64_t x_start(int64_t row) { return token_of(row) * int64_t(params.hidden_size); }
int64_t w_start(int product, int64_t column) {
  return weight_row(product, column) * int64_t(params.hidden_size);
}

/// The weight that the pair in `row` puts on its input: 1 where weights are applied at combine.
float input_weight(int64_t row) {
  if (params.pair_weights == 0ul) return 1.0;
  int64_t pair = token_of(row) * int64_t(params.top_k);
  while (int64_t(load_int(params.pairs_by_token, pair)) != row) ++pair;
  return load_float(params.pair_weights, pair);
}

/// What the activation reads of a product's sum.
float finish(int which, int64_t feature, float scale, float product_sum) {
  const float bias =
      params.bias == 0ul ? 0.0 : load_float(params.bias, weight_row(which, feature));
  const float sum = scale * product_sum + bias;
  return uint(params.input_rounding) == kRoundToActivation
             ? round_to(uint(params.activation_dtype), sum)
             : sum;
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
      const float gate = gated ? finish(0, feature, scale, sums[0][i][j]) : 0.0;
      const float up = gated ? finish(1, feature, scale, sums[1][i][j])
                             : finish(0, feature, scale, sums[0][i][j]);
      store_element(uint(params.activation_dtype), params.activated, row * width + feature,
                    activate(uint(params.activation), params.alpha, params.limit, gate, up));
    }
  }
}

void main() {
  const int64_t width = int64_t(params.intermediate_size);
  const int64_t column_tiles = ceil_div(width, kColumns);
  const int64_t tiles = num_row_tiles() * column_tiles;
  const int64_t step_size = int64_t(gl_NumWorkGroups.x);
  for (int64_t tile = int64_t(gl_WorkGroupID.x); tile < tiles; tile += step_size) {
    if (!enter_tile(tile, column_tiles)) continue;
    multiply(num_products(), params.hidden_states, uint(params.activation_dtype), params.gate_up,
             uint(params.weight_dtype), params.hidden_size, width);
    store_tile();
  }
}
