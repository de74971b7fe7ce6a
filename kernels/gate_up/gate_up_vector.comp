#version 460
// SPDX-License-Identifier: Apache-2.0
// The body of stage "gate_up" for few rows per expert: a wave makes one feature, gate and up, or
// two where there is no gate.
#extension GL_GOOGLE_include_directive : require
#include "kernels/glsl/memory.glsl"
#include "kernels/glsl/elements.glsl"
#include "kernels/glsl/math.glsl"
#include "kernels/glsl/activation.glsl"
#include "kernels/glsl/wave.glsl"
#include "kernels/gate_up/gate_up.glsl"
#include "kernels/glsl/octets.glsl"
const int kLines = 2;
const int kAhead = 4;
#include "kernels/glsl/vector_product.glsl"

uint64_t x_address(int64_t row) {
  return params.hidden_states +
         uint64_t(token_of(row) * int64_t(params.hidden_size)) * kElementBytes;
}

/// Features of an item.
int num_features() { return kLines / num_products(); }

uint64_t w_address(int line, int64_t at) {
  const int products = num_products();
  const int64_t feature = at * int64_t(num_features()) + int64_t(line / products);
  const int64_t row = weight_row(item_expert, line % products,
                                 min(feature, int64_t(params.intermediate_size) - 1l));
  return params.gate_up +
         uint64_t(row * int64_t(params.hidden_size)) * kElementBytes;
}

void store(int64_t row, int64_t at, float line_sums[kLines]) {
  const int64_t width = int64_t(params.intermediate_size);
  const float scale = input_weight(row);
  const bool gated = num_products() == 2;
  [[dont_unroll]] for (int i = 0; i < num_features(); ++i) {
    const int64_t feature = at * int64_t(num_features()) + int64_t(i);
    if (feature >= width) break;
    const float gate = line_sums[gated ? 2 * i : 0];
    const float up = line_sums[gated ? 2 * i + 1 : i];
    store_element(kDtype, params.activated, row * width + feature,
                  feature_of(item_expert, feature, scale, gate, up));
  }
}

void main() {
  multiply_all(ceil_div(int64_t(params.intermediate_size), num_features()), params.hidden_size);
}
