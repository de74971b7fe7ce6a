#version 460
// SPDX-License-Identifier: Apache-2.0
// The body of stage "down" for few rows per expert where there are matrices. A strip is 16 columns.
#extension GL_GOOGLE_include_directive : require
#include "kernels/glsl/memory.glsl"
#include "kernels/glsl/elements.glsl"
#include "kernels/glsl/wave.glsl"
#include "kernels/down/down.glsl"
#include "kernels/glsl/octets.glsl"
#include "kernels/down/columns.glsl"
#include "kernels/glsl/strip_product.glsl"

uint64_t x_address(int64_t row) {
  return params.activated + uint64_t(row * int64_t(params.intermediate_size)) * 2ul;
}

uint64_t w_address(int line, int64_t at) {
  const int64_t column = at * int64_t(kFragment) + int64_t(line);
  if (column >= int64_t(params.hidden_size)) return 0ul;
  return params.down +
         uint64_t(weight_row(item_expert, column) * int64_t(params.intermediate_size)) * 2ul;
}

void store_row(int64_t row, int64_t at, int pair, int sums) {
  store_columns(item_expert, row, at * int64_t(kFragment) + int64_t(2 * pair),
                sums_at(sums, pair));
}

void main() {
  multiply_all(ceil_div(int64_t(params.hidden_size), kFragment), params.intermediate_size);
}
