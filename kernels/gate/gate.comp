#version 460
// SPDX-License-Identifier: Apache-2.0
// The GLSL body of stage "gate", as kernels/gate/simt.hpp: one wave per (token, output).
#extension GL_GOOGLE_include_directive : require
#include "kernels/glsl/memory.glsl"
#include "kernels/glsl/elements.glsl"
#include "kernels/glsl/wave.glsl"

layout(push_constant, scalar) uniform Params {
  uint64_t hidden_states;
  uint64_t weight;
  uint64_t bias;
  uint64_t live_tokens;
  uint64_t logits;
  int num_tokens;
  int hidden_size;
  int num_outputs;
  uint8_t activation_dtype;
  uint8_t rounding;
} params;

void main() {
  const uint dtype = uint(params.activation_dtype);
  const int hidden = params.hidden_size;
  const int64_t items =
      int64_t(live_count(params.live_tokens, params.num_tokens)) * int64_t(params.num_outputs);
  const int64_t step_size = int64_t(gl_NumWorkGroups.x) * int64_t(num_waves());
  int64_t item = int64_t(gl_WorkGroupID.x) * int64_t(num_waves()) + int64_t(wave());
  for (; item < items; item += step_size) {
    const int64_t t = quotient(item, params.num_outputs);
    const int64_t n = item - t * int64_t(params.num_outputs);
    const int64_t x_start = t * int64_t(hidden);
    const int64_t w_start = n * int64_t(hidden);
    precise float partial[8] = float[8](0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0);
    for (int base = 0; base < hidden; base += 64)
      for (uint j = 0u; j < 64u / kWave; ++j) {
        const int h = base + int(j * kWave + lane());
        if (h < hidden) {
          precise float product = load_element(dtype, params.hidden_states, x_start + int64_t(h)) *
              load_float(params.weight, w_start + int64_t(h));
          partial[j] = partial[j] + product;
        }
      }
    precise float logit = join_partials(partial);
    logit = logit + (params.bias == 0ul ? 0.0 : load_float(params.bias, n));
    if (lane() == 0u)
      store_float(params.logits, item,
                  uint(params.rounding) == kRoundToActivation ? round_to(dtype, logit) : logit);
  }
}
