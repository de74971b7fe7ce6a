// SPDX-License-Identifier: Apache-2.0
#include "compare.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>

namespace switchyard::tools {

Difference difference(std::span<const float> result, std::span<const float> expected) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  double squares = 0.0;
  double expected_squares = 0.0;
  double largest = 0.0;
  for (std::size_t i = 0; i < result.size(); ++i) {
    if (!std::isfinite(result[i])) {
      return {.rel_error = kInfinity, .max_abs_error = kInfinity};
    }
    const double e = expected[i];
    const double d = result[i] - e;
    squares += d * d;
    expected_squares += e * e;
    largest = std::max(largest, std::abs(d));
  }
  if (squares == 0.0) {
    return {};
  }
  const double rel =
      expected_squares == 0.0 ? kInfinity : std::sqrt(squares) / std::sqrt(expected_squares);
  return {.rel_error = rel, .max_abs_error = largest};
}

double rel_error_bound(DType compute) noexcept {
  switch (compute) {
    case DType::bf16:
      return 8e-3;
    case DType::f16:
      return 2e-3;
    case DType::f32:
      break;
  }
  return 2e-6;
}

bool all_finite(std::span<const float> values) noexcept {
  return std::all_of(values.begin(), values.end(), [](float v) { return std::isfinite(v); });
}

}  // namespace switchyard::tools
