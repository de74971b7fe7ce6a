// SPDX-License-Identifier: Apache-2.0
// kernels/math.hpp in GLSL, bit for bit. Every float is `precise`: nothing is contracted. Division
// is done in integers, since Vulkan lets a device's own be off by 2.5 ulp.
const float kLargestFloat = 3.40282347e38;

float minus_infinity() { return uintBitsToFloat(0xff800000u); }

/// a / b rounded to nearest, ties to even, subnormals included.
float exact_divide(float a, float b) {
  const uint sign = (floatBitsToUint(a) ^ floatBitsToUint(b)) & 0x80000000u;
  uint numerator = floatBitsToUint(a) & 0x7fffffffu;
  uint denominator = floatBitsToUint(b) & 0x7fffffffu;
  const uint infinity = 0x7f800000u;
  const bool no_number = numerator > infinity || denominator > infinity ||
      (numerator == infinity && denominator == infinity) || (numerator == 0u && denominator == 0u);
  if (no_number) return uintBitsToFloat(0x7fc00000u);
  if (numerator == infinity || denominator == 0u) return uintBitsToFloat(sign | infinity);
  if (denominator == infinity || numerator == 0u) return uintBitsToFloat(sign);

  int exponent = int(numerator >> 23) - int(denominator >> 23) + 127;
  // Fractions with their leading bit at bit 23.
  if (numerator < 0x00800000u) {
    const int shift = 23 - findMSB(numerator);
    numerator <<= shift;
    exponent += 1 - shift;
  } else {
    numerator = (numerator & 0x007fffffu) | 0x00800000u;
  }
  if (denominator < 0x00800000u) {
    const int shift = 23 - findMSB(denominator);
    denominator <<= shift;
    exponent -= 1 - shift;
  } else {
    denominator = (denominator & 0x007fffffu) | 0x00800000u;
  }
  if (numerator < denominator) {
    numerator <<= 1;
    exponent -= 1;
  }
  // 25 bits of the quotient, in [2^24, 2^25), by long division in digits of at most 8 bits.
  uint quotient_bits = (numerator << 7) / denominator;
  uint rest = (numerator << 7) - quotient_bits * denominator;
  [[unroll]] for (int digit = 0; digit < 2; ++digit) {
    const uint next = (rest << 8) / denominator;
    rest = (rest << 8) - next * denominator;
    quotient_bits = (quotient_bits << 8) | next;
  }
  rest <<= 1;
  quotient_bits = (quotient_bits << 1) | (rest >= denominator ? 1u : 0u);
  if (rest >= denominator) rest -= denominator;

  if (exponent >= 255) return uintBitsToFloat(sign | infinity);
  const int shift = exponent >= 1 ? 1 : 2 - exponent;
  if (shift > 26) return uintBitsToFloat(sign);
  const uint kept = quotient_bits >> shift;
  const uint dropped = quotient_bits & ((1u << shift) - 1u);
  const uint half_way = 1u << (shift - 1);
  const bool up = dropped > half_way || (dropped == half_way && (rest != 0u || (kept & 1u) != 0u));
  // A carry out of the fraction is one more in the exponent, up to infinity.
  const uint base = exponent >= 1 ? uint(exponent - 1) << 23 : 0u;
  return uintBitsToFloat(sign | (base + kept + (up ? 1u : 0u)));
}

/// exp(x) for x <= 0; 0 below -87.
float exp_nonpositive(float x) {
  if (!(x >= -87.0)) return 0.0;
  precise float scaled = x * uintBitsToFloat(0x3fb8aa3bu) - 0.5;  // log2(e)
  const int n = int(scaled);
  const float whole = float(n);
  precise float r = x - whole * uintBitsToFloat(0x3f317000u);  // ln(2) in two parts
  r = r - whole * uintBitsToFloat(0x3805fdf4u);
  precise float series = uintBitsToFloat(0x39500d01u);              // 1 / 5040
  series = series * r + uintBitsToFloat(0x3ab60b61u);       // 1 / 720
  series = series * r + uintBitsToFloat(0x3c088889u);       // 1 / 120
  series = series * r + uintBitsToFloat(0x3d2aaaabu);       // 1 / 24
  series = series * r + uintBitsToFloat(0x3e2aaaabu);       // 1 / 6
  series = series * r + 0.5;
  precise float square = r * r;
  series = series * square + r;
  const float power = uintBitsToFloat(uint(n + 127) << 23);
  precise float result = (series + 1.0) * power;
  return result;
}

/// 1 / (1 + exp(-x)); NaN gives NaN.
float exact_sigmoid(float x) {
  if (is_nan(x)) return x;
  const float e = exp_nonpositive(x < 0.0 ? x : -x);
  precise float divisor = 1.0 + e;
  return exact_divide(x < 0.0 ? e : 1.0, divisor);
}

/// An unsigned key in the order of selection: NaN lowest, then -inf up to +inf, -0 equal to +0.
uint order_key(float x) {
  const uint word = floatBitsToUint(x);
  const uint magnitude = word & 0x7fffffffu;
  if (magnitude > 0x7f800000u) return 0u;
  if (magnitude == 0u) return 0x80000000u;
  return (word & 0x80000000u) != 0u ? ~word : word | 0x80000000u;
}

/// A logit as a score sees it: NaN as -inf, +inf as the largest float.
float score_input(float logit) {
  if (is_nan(logit)) return minus_infinity();
  return floatBitsToUint(logit) == 0x7f800000u ? kLargestFloat : logit;
}

float largest(uint dtype) {
  if (dtype == kF16) return 65504.0;
  return dtype == kBf16 ? uintBitsToFloat(0x7f7f0000u) : kLargestFloat;
}

/// A weight that was rounded to `dtype`, as the router emits it: finite whatever came before.
float finite_weight(float weight, uint dtype) {
  if (is_nan(weight)) return 0.0;
  if (weight > largest(dtype)) return largest(dtype);
  return weight < -largest(dtype) ? -largest(dtype) : weight;
}
