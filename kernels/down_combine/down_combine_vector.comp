#version 460
// SPDX-License-Identifier: Apache-2.0
// Stages "down" and "combine" for few tokens: a block makes kLines columns of a token. Each of its
// waves multiplies the token's row of one expert, or of several one after the other, as
// kernels/down/down_vector.comp does; then a thread per column adds up the experts in the order of k,
// as kernels/combine/combine.comp does. Between the two a value is rounded to the activations' dtype,
// as if it had been stored. Tokens are next to each other: where they share an expert, its rows come
// from the cache.
#extension GL_GOOGLE_include_directive : require
#include "kernels/glsl/memory.glsl"
#include "kernels/glsl/elements.glsl"
#include "kernels/glsl/math.glsl"
#include "kernels/glsl/wave.glsl"

layout(push_constant, scalar) uniform Params {
  uint64_t activated;
  uint64_t down;
  uint64_t bias;
  uint64_t selected_ids;
  uint64_t expert_map;
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
  int intermediate_size;
} params;

#include "kernels/glsl/octets.glsl"
const int kLines = 4;
const int kAhead = 3;
const int kRowsAtOnce = 1;
#include "kernels/glsl/vector_sums.glsl"

// Of the block's token: [K] weights of its pairs, [K] their packed rows, [K, kLines] their values.
shared uint words[kSharedWords];
uint rows_at() { return uint(params.top_k); }
uint values_at() { return 2u * uint(params.top_k); }

/// The wave multiplies pair k of token t, kLines columns from `first` on.
void multiply_pair(int64_t t, int k, int64_t first) {
  const int64_t pair = t * int64_t(params.top_k) + int64_t(k);
  const int row = load_int(params.pairs_by_token, pair);
  const float weight = params.pair_weights == 0ul ? 1.0 : load_float(params.pair_weights, pair);
  int e = load_int(params.selected_ids, pair);
  if (lane() == 0u) {
    words[uint(k)] = floatBitsToUint(weight);
    words[rows_at() + uint(k)] = uint(row);
  }
  if (row < 0) return;
  if (params.expert_map != 0ul) e = load_int(params.expert_map, int64_t(e));
  const int64_t hidden = int64_t(params.hidden_size);
  const int64_t depth = int64_t(params.intermediate_size);
  uint64_t w[kLines];
  [[unroll]] for (int line = 0; line < kLines; ++line) {
    const int64_t column = min(first + int64_t(line), hidden - 1l);
    w[line] = params.down + uint64_t((int64_t(e) * hidden + column) * depth) * kElementBytes;
  }
  const uint64_t x[1] = uint64_t[1](params.activated + uint64_t(int64_t(row) * depth) * kElementBytes);
  sum_octets(w, x, params.intermediate_size, 1);
  [[unroll]] for (int line = 0; line < kLines; ++line) {
    const int64_t column = first + int64_t(line);
    if (lane() != uint(line) || column >= hidden) continue;
    const float bias =
        params.bias == 0ul ? 0.0 : load_float(params.bias, int64_t(e) * hidden + column);
    words[values_at() + uint(k * kLines + line)] =
        floatBitsToUint(round_to(kDtype, sums[0][line] + bias));
  }
}

/// sum + weight * value, product and sum each rounded.
float add(float sum, float weight, float value) {
  precise float product = weight * value;
  precise float total = sum + product;
  return total;
}

/// Column `line` of the block's, which is element i of the output.
float combined(int64_t t, int line, int64_t i) {
  float sum = 0.0;
  for (uint k = 0u; k < uint(params.top_k); ++k)
    if (int(words[rows_at() + k]) >= 0)
      sum = add(sum, uintBitsToFloat(words[k]),
                uintBitsToFloat(words[values_at() + k * uint(kLines) + uint(line)]));
  if (params.shared_rows != 0ul) {
    const float gate =
        params.shared_gate == 0ul ? 1.0 : exact_sigmoid(load_float(params.shared_gate, t));
    sum = add(sum, gate, load_element(kDtype, params.shared_rows, i));
  }
  if (params.residual != 0ul) sum = add(sum, 1.0, load_element(kDtype, params.residual, i));
  return sum;
}

void main() {
  const int64_t hidden = int64_t(params.hidden_size);
  const int64_t live = int64_t(live_count(params.live_tokens, params.num_tokens));
  const int64_t items = ceil_div(hidden, kLines) * int64_t(params.num_tokens);
  for (int64_t item = int64_t(gl_WorkGroupID.x); item < items;
       item += int64_t(gl_NumWorkGroups.x)) {
    const int64_t group = quotient(item, params.num_tokens);
    const int64_t t = item - group * int64_t(params.num_tokens);
    const int64_t first = group * int64_t(kLines);
    if (t < live)
      for (int k = int(wave()); k < params.top_k; k += int(num_waves()))
        multiply_pair(t, k, first);
    sync_shared();
    const int line = int(thread());
    if (line < kLines && first + int64_t(line) < hidden) {
      const int64_t i = t * hidden + first + int64_t(line);
      store_element(kDtype, params.output_rows, i, t < live ? combined(t, line, i) : 0.0);
    }
    sync_shared();
  }
}
