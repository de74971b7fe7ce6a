// SPDX-License-Identifier: Apache-2.0
// What bodies of stage "down" that hold two neighbouring columns do with their sums.
/// Columns `column` and column + 1 of a packed row.
void store_columns(int expert, int64_t row, int64_t column, vec2 sums) {
  const int64_t hidden = int64_t(params.hidden_size);
  if (column >= hidden) return;
  sums += vec2(bias_of(expert, column), bias_of(expert, column + 1l));
  store_pair(params.expert_rows, row * hidden + column, sums);
}
