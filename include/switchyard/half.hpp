// SPDX-License-Identifier: Apache-2.0
/// \file
/// 16-bit floating-point storage types. They hold bits and convert; arithmetic happens in float.
/// Conversion to float is exact. Conversion from float rounds to nearest, ties to even, overflows
/// to infinity, and keeps NaN a (quiet) NaN.
#pragma once

#include <bit>
#include <cstdint>

namespace switchyard {

/// bfloat16: 8 exponent bits, 7 fraction bits.
struct bf16 {
  std::uint16_t bits = 0;

  constexpr bf16() = default;
  constexpr explicit bf16(float value) noexcept {
    const auto word = std::bit_cast<std::uint32_t>(value);
    const bool nan = (word & 0x7fffffffU) > 0x7f800000U;
    const std::uint32_t rounded = word + 0x7fffU + ((word >> 16U) & 1U);
    bits = static_cast<std::uint16_t>((nan ? word | 0x00400000U : rounded) >> 16U);
  }
  constexpr explicit operator float() const noexcept {
    return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16U);
  }
};

/// IEEE binary16: 5 exponent bits, 10 fraction bits.
struct f16 {
  std::uint16_t bits = 0;

  constexpr f16() = default;
  constexpr explicit f16(float value) noexcept {
    const auto word = std::bit_cast<std::uint32_t>(value);
    const std::uint32_t sign = (word >> 16U) & 0x8000U;
    const std::uint32_t magnitude = word & 0x7fffffffU;
    std::uint32_t result = 0;
    if (magnitude > 0x7f800000U) {  // NaN
      result = 0x7e00U | ((magnitude >> 13U) & 0x03ffU);
    } else if (magnitude >= 0x477ff000U) {  // rounds to 65536 or more
      result = 0x7c00U;
    } else if (magnitude >= 0x38800000U) {  // normal
      const std::uint32_t rebased = magnitude - 0x38000000U;
      result = (rebased + 0x0fffU + ((rebased >> 13U) & 1U)) >> 13U;
    } else {  // subnormal or zero: adding 0.5 leaves the rounded fraction in the low bits
      const float shifted = std::bit_cast<float>(magnitude) + 0.5F;
      result = std::bit_cast<std::uint32_t>(shifted) - 0x3f000000U;
    }
    bits = static_cast<std::uint16_t>(sign | result);
  }
  constexpr explicit operator float() const noexcept {
    const std::uint32_t sign = (static_cast<std::uint32_t>(bits) & 0x8000U) << 16U;
    const std::uint32_t magnitude = static_cast<std::uint32_t>(bits) & 0x7fffU;
    // Multiplying by 2^112 rebases the exponent and makes subnormals normal, exactly.
    const float scaled = std::bit_cast<float>(magnitude << 13U) * 0x1p112F;
    const std::uint32_t finite = std::bit_cast<std::uint32_t>(scaled);
    const std::uint32_t word = magnitude >= 0x7c00U ? 0x7f800000U | (magnitude << 13U) : finite;
    return std::bit_cast<float>(word | sign);
  }
};

}  // namespace switchyard
