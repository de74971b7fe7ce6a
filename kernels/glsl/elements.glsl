// SPDX-License-Identifier: Apache-2.0
// Elements whose type is known at run time (switchyard/dtype.hpp). Conversions are those of
// switchyard/half.hpp, in integers: they need no 16-bit arithmetic and no subnormal floats.
const uint kF32 = 0u;
const uint kBf16 = 1u;
const uint kF16 = 2u;

// switchyard::Rounding
const uint kRoundToActivation = 1u;

bool is_nan(float x) { return (floatBitsToUint(x) & 0x7fffffffu) > 0x7f800000u; }

float float_of_bf16(uint bits) { return uintBitsToFloat(bits << 16); }

float float_of_f16(uint bits) {
  const uint sign = (bits & 0x8000u) << 16;
  const uint exponent = (bits >> 10) & 0x1fu;
  const uint fraction = bits & 0x3ffu;
  if (exponent == 0x1fu) return uintBitsToFloat(sign | 0x7f800000u | (fraction << 13));
  if (exponent != 0u) return uintBitsToFloat(sign | ((exponent + 112u) << 23) | (fraction << 13));
  // fraction * 2^-24
  const uint scaled = fraction == 0u ? 0u : floatBitsToUint(float(fraction)) - (24u << 23);
  return uintBitsToFloat(sign | scaled);
}

uint bf16_of_float(float value) {
  const uint word = floatBitsToUint(value);
  const bool nan = (word & 0x7fffffffu) > 0x7f800000u;
  const uint rounded = word + 0x7fffu + ((word >> 16) & 1u);
  return (nan ? word | 0x00400000u : rounded) >> 16;
}

uint f16_of_float(float value) {
  const uint word = floatBitsToUint(value);
  const uint sign = (word >> 16) & 0x8000u;
  const uint magnitude = word & 0x7fffffffu;
  if (magnitude > 0x7f800000u) return sign | 0x7e00u | ((magnitude >> 13) & 0x03ffu);
  if (magnitude >= 0x477ff000u) return sign | 0x7c00u;  // rounds to 65536 or more
  if (magnitude >= 0x38800000u) {
    const uint rebased = magnitude - 0x38000000u;
    return sign | ((rebased + 0x0fffu + ((rebased >> 13) & 1u)) >> 13);
  }
  const uint exponent = magnitude >> 23;
  if (exponent < 102u) return sign;  // less than half of the smallest subnormal
  const uint fraction = (magnitude & 0x007fffffu) | 0x00800000u;
  const uint shift = 126u - exponent;  // in [14, 24]
  const uint kept = fraction >> shift;
  const uint rest = fraction & ((1u << shift) - 1u);
  const uint half_way = 1u << (shift - 1u);
  const bool up = rest > half_way || (rest == half_way && (kept & 1u) != 0u);
  return sign | (kept + (up ? 1u : 0u));
}

float load_element(uint dtype, uint64_t base, int64_t i) {
  if (dtype == kF32) return load_float(base, i);
  const uint bits = uint(HalfAt(base + uint64_t(i) * 2ul).value);
  return dtype == kBf16 ? float_of_bf16(bits) : float_of_f16(bits);
}

void store_element(uint dtype, uint64_t base, int64_t i, float value) {
  if (dtype == kF32) {
    store_float(base, i, value);
    return;
  }
  const uint bits = dtype == kBf16 ? bf16_of_float(value) : f16_of_float(value);
  HalfAt(base + uint64_t(i) * 2ul).value = uint16_t(bits);
}

/// `value` after a round trip through dtype.
float round_to(uint dtype, float value) {
  if (dtype == kBf16) return float_of_bf16(bf16_of_float(value));
  return dtype == kF16 ? float_of_f16(f16_of_float(value)) : value;
}
