#version 460
// SPDX-License-Identifier: Apache-2.0
// The GLSL body of stage "combine", as kernels/combine/simt.hpp: one thread per output element.
#extension GL_GOOGLE_include_directive : require
#include "kernels/glsl/memory.glsl"
#include "kernels/glsl/elements.glsl"
#include "kernels/glsl/math.glsl"
#include "kernels/glsl/wave.glsl"

layout(push_constant, scalar) uniform Params {
  uint64_t expert_rows;
  uint64_t pairs_by_token;
  uint64_t pair_weights;
  uint64_t shared_rows;
  uint64_t shared_gate;
  uint64_t residual;
  uint64_t live_tokens;
  uint64_t output_rows;
  int num_tokens;
  int top_k;
  int hidden_size;
  uint8_t activation_dtype;
} params;

float element(int64_t t, int64_t h) {
  const uint dtype = uint(params.activation_dtype);
  const int64_t hidden = int64_t(params.hidden_size);
  precise float sum = 0.0;
  for (int k = 0; k < params.top_k; ++k) {
    const int64_t pair = t * int64_t(params.top_k) + int64_t(k);
    const int row = load_int(params.pairs_by_token, pair);
    if (row < 0) continue;
    const float weight = params.pair_weights == 0ul ? 1.0 : load_float(params.pair_weights, pair);
    sum = sum + weight * load_element(dtype, params.expert_rows, int64_t(row) * hidden + h);
  }
  if (params.shared_rows != 0ul) {
    const float gate =
        params.shared_gate == 0ul ? 1.0 : exact_sigmoid(load_float(params.shared_gate, t));
    sum = sum + gate * load_element(dtype, params.shared_rows, t * hidden + h);
  }
  if (params.residual != 0ul) sum = sum + load_element(dtype, params.residual, t * hidden + h);
  return sum;
}

void main() {
  const int64_t elements = int64_t(params.num_tokens) * int64_t(params.hidden_size);
  const int64_t live = int64_t(live_count(params.live_tokens, params.num_tokens));
  const int64_t step_size = int64_t(gl_NumWorkGroups.x) * int64_t(num_threads());
  int64_t i = int64_t(gl_WorkGroupID.x) * int64_t(num_threads()) + int64_t(thread());
  for (; i < elements; i += step_size) {
    const int64_t t = quotient(i, params.hidden_size);
    const int64_t h = i - t * int64_t(params.hidden_size);
    store_element(uint(params.activation_dtype), params.output_rows, i,
                  t < live ? element(t, h) : 0.0);
  }
}
