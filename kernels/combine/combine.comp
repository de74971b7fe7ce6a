#version 460
// SPDX-License-Identifier: Apache-2.0
// The GLSL body of stage "combine", as kernels/combine/simt.hpp, but that a thread makes eight
// output elements side by side: of dtypes of 16 bits in loads and stores of 16 bytes, where rows
// start at addresses that 16 divides.
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

layout(buffer_reference, scalar, buffer_reference_align = 16) buffer VectorAt { uvec4 value; };

/// Elements that a thread makes: some of a row's, from `first` on.
const int kWidth = 8;
struct Elements {
  float at[kWidth];
};

bool has_vectors() {
  return uint(params.activation_dtype) != kF32 && params.hidden_size % kWidth == 0 &&
         ((params.expert_rows | params.shared_rows | params.residual | params.output_rows) &
          15ul) == 0ul;
}

/// `count` elements of base from element i on.
Elements load_elements(bool vectors, uint64_t base, int64_t i, int count) {
  const uint dtype = uint(params.activation_dtype);
  Elements loaded;
  if (vectors) {
    const uvec4 words = VectorAt(base + uint64_t(i) * 2ul).value;
    [[unroll]] for (int e = 0; e < kWidth; ++e) {
      const uint bits = e % 2 == 0 ? words[e / 2] & 0xffffu : words[e / 2] >> 16;
      loaded.at[e] = dtype == kBf16 ? float_of_bf16(bits) : float_of_f16(bits);
    }
    return loaded;
  }
  [[unroll]] for (int e = 0; e < kWidth; ++e)
    loaded.at[e] = e < count ? load_element(dtype, base, i + int64_t(e)) : 0.0;
  return loaded;
}

void store_elements(bool vectors, int64_t i, int count, Elements values) {
  const uint dtype = uint(params.activation_dtype);
  if (vectors) {
    uvec4 words;
    [[unroll]] for (int w = 0; w < kWidth / 2; ++w) {
      const float low = values.at[2 * w];
      const float high = values.at[2 * w + 1];
      words[w] = dtype == kBf16 ? bf16_of_float(low) | (bf16_of_float(high) << 16)
                                : f16_of_float(low) | (f16_of_float(high) << 16);
    }
    VectorAt(params.output_rows + uint64_t(i) * 2ul).value = words;
    return;
  }
  [[unroll]] for (int e = 0; e < kWidth; ++e)
    if (e < count) store_element(dtype, params.output_rows, i + int64_t(e), values.at[e]);
}

/// sum + weight * values, element by element, product and sum each rounded.
Elements add(Elements sum, float weight, Elements values) {
  [[unroll]] for (int e = 0; e < kWidth; ++e) {
    precise float product = weight * values.at[e];
    precise float total = sum.at[e] + product;
    sum.at[e] = total;
  }
  return sum;
}

Elements elements_of(bool vectors, int64_t t, int64_t h, int count) {
  const int64_t hidden = int64_t(params.hidden_size);
  Elements sum;
  [[unroll]] for (int e = 0; e < kWidth; ++e) sum.at[e] = 0.0;
  for (int k = 0; k < params.top_k; ++k) {
    const int64_t pair = t * int64_t(params.top_k) + int64_t(k);
    const int row = load_int(params.pairs_by_token, pair);
    if (row < 0) continue;
    const float weight = params.pair_weights == 0ul ? 1.0 : load_float(params.pair_weights, pair);
    sum = add(sum, weight,
              load_elements(vectors, params.expert_rows, int64_t(row) * hidden + h, count));
  }
  if (params.shared_rows != 0ul) {
    const float gate =
        params.shared_gate == 0ul ? 1.0 : exact_sigmoid(load_float(params.shared_gate, t));
    sum = add(sum, gate, load_elements(vectors, params.shared_rows, t * hidden + h, count));
  }
  if (params.residual != 0ul)
    sum = add(sum, 1.0, load_elements(vectors, params.residual, t * hidden + h, count));
  return sum;
}

void main() {
  const bool vectors = has_vectors();
  const int64_t hidden = int64_t(params.hidden_size);
  const int64_t pieces = ceil_div(hidden, kWidth);  // of a row
  const int64_t live = int64_t(live_count(params.live_tokens, params.num_tokens));
  const int64_t step_size = int64_t(gl_NumWorkGroups.x) * int64_t(num_threads());
  int64_t piece = int64_t(gl_WorkGroupID.x) * int64_t(num_threads()) + int64_t(thread());
  for (; piece < int64_t(params.num_tokens) * pieces; piece += step_size) {
    const int64_t t = quotient(piece, int(pieces));
    const int64_t h = (piece - t * pieces) * int64_t(kWidth);
    const int count = int(min(hidden - h, int64_t(kWidth)));
    Elements values;
    [[unroll]] for (int e = 0; e < kWidth; ++e) values.at[e] = 0.0;
    if (t < live) values = elements_of(vectors, t, h, count);
    store_elements(vectors, t * hidden + h, count, values);
  }
}
