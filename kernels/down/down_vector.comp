#version 460
// SPDX-License-Identifier: Apache-2.0
// The body of stage "down" for few rows per expert: a wave makes four columns.
#extension GL_GOOGLE_include_directive : require
#include "kernels/glsl/memory.glsl"
#include "kernels/glsl/elements.glsl"
#include "kernels/glsl/wave.glsl"
#include "kernels/down/down.glsl"
#include "kernels/glsl/octets.glsl"
const int kLines = 4;
const int kAhead = 2;
#include "kernels/glsl/vector_product.glsl"

uint64_t x_address(int64_t row) {
  return params.activated +
         uint64_t(row * int64_t(params.intermediate_size)) * kElementBytes;
}

uint64_t w_address(int line, int64_t at) {
  const int64_t column = min(at * int64_t(kLines) + int64_t(line), int64_t(params.hidden_size) - 1l);
  return params.down + uint64_t(weight_row(item_expert, column) *
                                int64_t(params.intermediate_size)) * kElementBytes;
}

void store(int64_t row, int64_t at, float line_sums[kLines]) {
  const int64_t hidden = int64_t(params.hidden_size);
  [[unroll]] for (int line = 0; line < kLines; ++line) {
    const int64_t column = at * int64_t(kLines) + int64_t(line);
    if (column < hidden)
      store_element(kDtype, params.expert_rows, row * hidden + column,
                    line_sums[line] + bias_of(item_expert, column));
  }
}

void main() {
  multiply_all(ceil_div(int64_t(params.hidden_size), kLines), params.intermediate_size);
}
