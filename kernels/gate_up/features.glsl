// SPDX-License-Identifier: Apache-2.0
// What bodies of stage "gate_up" that hold two neighbouring features do with their sums.
/// Features `feature` and feature + 1 of a packed row.
void store_features(int expert, int64_t row, int64_t feature, float scale, vec2 gates, vec2 ups) {
  const int64_t width = int64_t(params.intermediate_size);
  if (feature >= width) return;
  vec2 values;
  [[dont_unroll]] for (int i = 0; i < 2; ++i) {
    const float value = feature_of(expert, feature + int64_t(i), scale,
                                   i == 0 ? gates.x : gates.y, i == 0 ? ups.x : ups.y);
    if (i == 0) values.x = value;
    else values.y = value;
  }
  store_pair(params.activated, row * width + feature, values);
}
