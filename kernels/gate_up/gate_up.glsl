// SPDX-License-Identifier: Apache-2.0
// Stage "gate_up" in GLSL: its parameter block, and what all its bodies do with a product's sum.
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

/// 2: the gate's product and then up's; 1: up alone.
int num_products() { return uint(params.activation) == kRelu2 ? 1 : 2; }

int64_t token_of(int64_t row) {
  return params.expert_offsets == 0ul ? row : int64_t(load_int(params.packed_token_idx, row));
}

/// The row of gate_up and bias that makes a feature of an expert's product `which`.
int64_t weight_row(int expert, int which, int64_t feature) {
  const int64_t products = int64_t(expert) * int64_t(num_products()) + int64_t(which);
  return products * int64_t(params.intermediate_size) + feature;
}

/// The weight that the pair in `row` puts on its input: 1 where weights are applied at combine.
float input_weight(int64_t row) {
  if (params.pair_weights == 0ul) return 1.0;
  int64_t pair = token_of(row) * int64_t(params.top_k);
  while (int64_t(load_int(params.pairs_by_token, pair)) != row) ++pair;
  return load_float(params.pair_weights, pair);
}

/// What the activation reads of a product's sum.
float finish(int expert, int which, int64_t feature, float scale, float product_sum) {
  const float bias =
      params.bias == 0ul ? 0.0 : load_float(params.bias, weight_row(expert, which, feature));
  const float sum = scale * product_sum + bias;
  return uint(params.input_rounding) == kRoundToActivation
             ? round_to(uint(params.activation_dtype), sum)
             : sum;
}

/// A feature from the sums of its products; where there is one product it is up_sum.
float feature_of(int expert, int64_t feature, float scale, float gate_sum, float up_sum) {
  const bool gated = num_products() == 2;
  const float gate = gated ? finish(expert, 0, feature, scale, gate_sum) : 0.0;
  const float up = finish(expert, gated ? 1 : 0, feature, scale, up_sum);
  return activate(uint(params.activation), params.alpha, params.limit, gate, up);
}
