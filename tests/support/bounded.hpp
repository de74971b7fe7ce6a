// SPDX-License-Identifier: Apache-2.0
// Real numbers that carry how far a floating-point computation of them may be off.
//
// The bound of every result is a running forward error analysis: with u the unit roundoff of a
// format and n the smallest subnormal of it, an operation whose exact result on exact operands is v
// is off by at most u*|v| + n/2, to which the operands' own bounds are propagated. There is no
// tolerance of a test's own: a test asks within(computed).
#pragma once

#include <algorithm>
#include <cmath>

#include "support/rounding.hpp"

namespace switchyard::test {

struct Bounded {
  double value = 0.0;
  double bound = 0.0;  ///< |computed - value| is at most this.

  [[nodiscard]] double magnitude() const { return std::abs(value) + bound; }
  [[nodiscard]] bool within(double computed) const {
    return std::abs(computed - value) <= bound;  // false for a NaN
  }
};

inline constexpr double kF32Roundoff = 0x1p-24;
inline constexpr double kF32Tiny = 0x1p-126;  ///< Covers a flush of subnormals to zero.

/// `x` after `roundings` roundings to f32 in a row.
inline Bounded rounded(Bounded x, double roundings = 1.0) {
  return {x.value, x.bound + roundings * (kF32Roundoff * 1.0001 * x.magnitude() + kF32Tiny)};
}

/// `x` stored in `dtype`: rounding is monotone, so the result lies between the roundings of the
/// ends of x's interval; often they are one number.
inline Bounded stored(Bounded x, DType dtype) {
  if (dtype == DType::f32) return x;
  const double low = round_to(x.value - x.bound, dtype);
  const double high = round_to(x.value + x.bound, dtype);
  return low == high ? Bounded{low, 0.0} : Bounded{0.5 * (low + high), 0.5 * (high - low)};
}

inline Bounded operator+(Bounded a, Bounded b) {
  return rounded({a.value + b.value, a.bound + b.bound});
}

inline Bounded operator*(Bounded a, Bounded b) {
  return rounded({a.value * b.value,
                  a.bound * std::abs(b.value) + b.bound * std::abs(a.value) + a.bound * b.bound});
}

inline Bounded operator/(Bounded a, Bounded b) {
  const double smallest = std::abs(b.value) - b.bound;
  const double value = a.value / b.value;
  return rounded({value, (a.bound + std::abs(value) * b.bound) / smallest});
}

/// exp in f32, itself good to 2 ulp (4 roundings).
inline Bounded exp(Bounded x) {
  const double value = std::exp(x.value);
  return rounded({value, value * std::expm1(x.bound)}, 4.0);
}

/// 1 / (1 + exp(-x)); at most 8 roundings on top of exp's. Its slope is at most 1/4.
inline Bounded sigmoid(Bounded x) {
  const double value = 1.0 / (1.0 + std::exp(-x.value));
  return rounded({value, std::min(0.25 * x.bound, value * std::expm1(x.bound))}, 8.0);
}

}  // namespace switchyard::test
