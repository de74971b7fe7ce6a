// SPDX-License-Identifier: Apache-2.0
// Arithmetic that every backend has to do alike, bit for bit, so that routing is the same
// everywhere. Only IEEE additions, multiplications, divisions and integer operations, in a stated
// order; the compiler must not contract them (-ffp-contract=off and its like). No result is
// subnormal where the text says so, for devices that flush.
#pragma once

#include <bit>
#include <cstdint>
#include <limits>

#include "switchyard/dtype.hpp"

namespace switchyard::kernels {

inline constexpr float kInfinity = std::numeric_limits<float>::infinity();
inline constexpr float kLargestFloat = std::numeric_limits<float>::max();

[[nodiscard]] constexpr bool is_nan(float x) noexcept {
  return (std::bit_cast<std::uint32_t>(x) & 0x7fffffffU) > 0x7f800000U;
}

/// exp(x) for x <= 0 within 2 ulp; 0 below -87, where the result would come near the subnormals.
/// Splits x = n ln 2 + r, |r| <= ln 2 / 2, and sums the series of exp(r) to r^7 (remainder <
/// 2^-27). NaN gives 0. No branch: several of them run side by side.
[[nodiscard]] constexpr float exp_nonpositive(float number) noexcept {
  const bool counts = number >= -87.0F;
  const float x = counts ? number : 0.0F;
  constexpr float kLog2E = 0x1.715476p0F;
  constexpr float kLn2High = 0x1.62ep-1F;  // 12 bits: n * kLn2High is exact
  constexpr float kLn2Low = 0x1.0bfbe8p-15F;
  const int n = static_cast<int>(x * kLog2E - 0.5F);
  const float whole = static_cast<float>(n);
  const float r = (x - whole * kLn2High) - whole * kLn2Low;
  float series = 1.0F / 5040.0F;
  series = series * r + 1.0F / 720.0F;
  series = series * r + 1.0F / 120.0F;
  series = series * r + 1.0F / 24.0F;
  series = series * r + 1.0F / 6.0F;
  series = series * r + 0.5F;
  series = series * (r * r) + r;
  const float power = std::bit_cast<float>(static_cast<std::uint32_t>(n + 127) << 23U);
  return counts ? (series + 1.0F) * power : 0.0F;
}

/// 1 / (1 + exp(-x)); NaN gives NaN.
[[nodiscard]] constexpr float sigmoid(float x) noexcept {
  if (is_nan(x)) return x;
  const float e = exp_nonpositive(x < 0.0F ? x : -x);
  return (x < 0.0F ? e : 1.0F) / (1.0F + e);
}

/// An unsigned key in the order of selection: NaN lowest, then -inf up to +inf, -0 equal to +0.
[[nodiscard]] constexpr std::uint32_t order_key(float x) noexcept {
  const auto word = std::bit_cast<std::uint32_t>(x == 0.0F ? 0.0F : x);
  const std::uint32_t key = word ^ ((0U - (word >> 31U)) | 0x80000000U);
  return is_nan(x) ? 0U : key;
}

/// The number of an order_key that is not NaN's; zeros come back as +0.
[[nodiscard]] constexpr float number_of_order_key(std::uint32_t key) noexcept {
  return std::bit_cast<float>((key & 0x80000000U) != 0 ? key ^ 0x80000000U : ~key);
}

/// Selection order of experts in one integer: greater is better, ties go to the lower id.
[[nodiscard]] constexpr std::uint64_t rank_key(float selection, std::uint32_t id) noexcept {
  return (static_cast<std::uint64_t>(order_key(selection)) << 32U) | (0xffffffffU - id);
}
[[nodiscard]] constexpr std::uint32_t id_of_rank_key(std::uint64_t key) noexcept {
  return 0xffffffffU - static_cast<std::uint32_t>(key);
}

/// A logit as a score sees it: NaN as -inf, +inf as the largest float.
[[nodiscard]] constexpr float score_input(float logit) noexcept {
  if (is_nan(logit)) return -kInfinity;
  return logit > kLargestFloat ? kLargestFloat : logit;
}

/// The largest finite number of a dtype.
[[nodiscard]] constexpr float largest(DType dtype) noexcept {
  if (dtype == DType::f16) return 65504.0F;
  return dtype == DType::bf16 ? 0x1.fep127F : kLargestFloat;
}

/// A weight that was rounded to `dtype`, as the router emits it: finite whatever came before.
[[nodiscard]] constexpr float finite_weight(float weight, DType dtype) noexcept {
  if (is_nan(weight)) return 0.0F;
  if (weight > largest(dtype)) return largest(dtype);
  return weight < -largest(dtype) ? -largest(dtype) : weight;
}

/// Sum of value(0) .. value(count - 1): 64 strided partial sums, partial j over the i that are j
/// modulo 64 in ascending order, joined by halving (j and j + 32, then j and j + 16, ...). A wave
/// of 8, 32 or 64 lanes computes the same bits.
template <class Value>
[[nodiscard]] constexpr float strided_sum(std::int32_t count, Value value) {
  float partial[64] = {};
  for (std::int32_t i = 0; i < count; i += 64) {
    const std::int32_t lanes = count - i < 64 ? count - i : 64;
    for (std::int32_t j = 0; j < lanes; ++j) partial[j] += value(i + j);
  }
  for (std::uint32_t width = 32; width > 0; width /= 2)
    for (std::uint32_t j = 0; j < width; ++j) partial[j] += partial[j + width];
  return partial[0];
}

}  // namespace switchyard::kernels
