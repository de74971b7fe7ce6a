// SPDX-License-Identifier: Apache-2.0
// Element types by their definition, in double. Shares nothing with switchyard/half.hpp, so that
// each checks the other.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

#include "switchyard/dtype.hpp"

namespace switchyard::test {

/// A binary floating-point format.
struct FloatFormat {
  int precision;     ///< Significant bits, the hidden one included.
  int fraction_min;  ///< Exponent of the smallest subnormal.
  double largest;    ///< Largest finite number.

  /// Half a unit in the last place, relative: the error of one rounding of a normal number.
  [[nodiscard]] double unit_roundoff() const { return std::ldexp(1.0, -precision); }
  /// Half of the smallest subnormal: the error of one rounding of a tiny number.
  [[nodiscard]] double underflow() const { return std::ldexp(1.0, fraction_min - 1); }
};

inline FloatFormat format_of(DType dtype) {
  switch (dtype) {
    case DType::bf16:
      return {8, -133, std::ldexp(255.0, 120)};
    case DType::f16:
      return {11, -24, 65504.0};
    default:
      return {24, -149, static_cast<double>(std::numeric_limits<float>::max())};
  }
}

/// `x` rounded to the nearest number of `dtype`, ties to even, overflow to infinity.
inline double round_to(double x, DType dtype) {
  if (!std::isfinite(x) || x == 0.0) return x;
  const FloatFormat format = format_of(dtype);
  int exponent = 0;
  static_cast<void>(std::frexp(x, &exponent));
  const int quantum = std::max(exponent - format.precision, format.fraction_min);
  const double rounded = std::ldexp(std::nearbyint(std::ldexp(x, -quantum)), quantum);
  return std::abs(rounded) <= format.largest
             ? rounded
             : std::copysign(std::numeric_limits<double>::infinity(), x);
}

/// The bits of `x`, which is a number of `dtype`.
inline std::uint32_t encode(double x, DType dtype) {
  const auto word = std::bit_cast<std::uint32_t>(static_cast<float>(x));
  if (dtype == DType::f32) return word;
  if (dtype == DType::bf16) return word >> 16U;
  const std::uint32_t sign = std::signbit(x) ? 0x8000U : 0U;
  if (std::isnan(x)) return sign | 0x7e00U;
  if (std::isinf(x)) return sign | 0x7c00U;
  int exponent = 0;
  static_cast<void>(std::frexp(x, &exponent));
  if (x == 0.0 || exponent < -13) {
    return sign | static_cast<std::uint32_t>(std::ldexp(std::abs(x), 24));
  }
  const auto fraction = static_cast<std::uint32_t>(std::ldexp(std::abs(x), 11 - exponent));
  return sign | (static_cast<std::uint32_t>(exponent + 14) << 10U) | (fraction & 0x3ffU);
}

/// The number behind the bits of an element of `dtype`.
inline double decode(std::uint32_t bits, DType dtype) {
  if (dtype == DType::f32) return static_cast<double>(std::bit_cast<float>(bits));
  if (dtype == DType::bf16) return static_cast<double>(std::bit_cast<float>(bits << 16U));
  const double sign = (bits & 0x8000U) != 0 ? -1.0 : 1.0;
  const int exponent = static_cast<int>((bits >> 10U) & 0x1fU);
  const double fraction = static_cast<double>(bits & 0x3ffU);
  if (exponent == 0) return sign * std::ldexp(fraction, -24);
  if (exponent < 31) return sign * std::ldexp(1024.0 + fraction, exponent - 25);
  return fraction == 0.0 ? sign * std::numeric_limits<double>::infinity()
                         : std::numeric_limits<double>::quiet_NaN();
}

}  // namespace switchyard::test
