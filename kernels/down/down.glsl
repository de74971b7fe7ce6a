// SPDX-License-Identifier: Apache-2.0
// Stage "down" in GLSL: its parameter block, and what all its bodies do with a product's sum.
layout(push_constant, scalar) uniform Params {
  uint64_t activated;
  uint64_t down;
  uint64_t bias;
  uint64_t expert_rows;
  uint64_t expert_offsets;
  uint64_t sorted_tokens;
  uint64_t block_ids;
  uint64_t live_tokens;
  int max_rows;
  int hidden_size;
  int intermediate_size;
  int num_experts;
  int block_size;
  uint8_t activation_dtype;
  uint8_t weight_dtype;
  uint8_t weight_layout;
} params;

/// The row of down and bias that makes a column of an expert's rows.
int64_t weight_row(int expert, int64_t column) {
  return int64_t(expert) * int64_t(params.hidden_size) + column;
}

float bias_of(int expert, int64_t column) {
  return params.bias == 0ul ? 0.0 : load_float(params.bias, weight_row(expert, column));
}
