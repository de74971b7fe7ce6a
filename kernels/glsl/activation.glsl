// SPDX-License-Identifier: Apache-2.0
// kernels/activation.hpp in GLSL. Results are within its bounds, not bit for bit.
const uint kSwiglu = 0u;
const uint kGegluTanh = 1u;
const uint kGegluErf = 2u;
const uint kRelu2 = 3u;

float sigmoid(float x) {
  if (is_nan(x)) return x;
  const float e = exp_nonpositive(x < 0.0 ? x : -x);
  return (x < 0.0 ? e : 1.0) / (1.0 + e);
}

float gelu_tanh(float x) {
  return x * sigmoid(1.5957691216 * (x + 0.044715 * x * x * x));
}

/// erfc(x) for x >= 0: exp(-x^2) P(t) / (1 + 2 x), t = (x - 3) / (x + 3); P is a Chebyshev
/// approximation on [0, 10.2], off by 4e-9 at most.
float erfc_of_nonnegative(float x) {
  const float t = (x - 3.0) / (x + 3.0);
  float p = -0.000276390256;
  p = p * t - 0.000795749233;
  p = p * t + 0.00199637574;
  p = p * t + 0.00257884536;
  p = p * t - 0.023791348;
  p = p * t + 0.0682933674;
  p = p * t - 0.119272474;
  p = p * t + 0.129646612;
  p = p * t - 0.0475622894;
  p = p * t - 0.135621145;
  p = p * t + 1.25300806;
  // x^2 = high^2 + (x - high) (x + high), high^2 exact
  const float high = uintBitsToFloat(floatBitsToUint(x) & 0xfffff000u);
  precise float rest = (x - high) * (x + high);
  return exp_nonpositive(-(high * high)) * exp_nonpositive(-rest) * p / (1.0 + 2.0 * x);
}

/// x times the normal distribution function.
float gelu_erf(float x) {
  const float y = abs(x) * 0.70710678119;
  const float tail = y < 10.0 ? 0.5 * erfc_of_nonnegative(y) : 0.0;
  return x * (x < 0.0 ? tail : 1.0 - tail);
}

/// The feature an expert keeps from its gate product g and its up product u.
float activate(uint kind, float alpha, float limit, float g, float u) {
  if (kind == kSwiglu) return g * sigmoid(g) * u;
  if (kind == kGegluTanh) return gelu_tanh(g) * u;
  if (kind == kGegluErf) return is_nan(g) ? g : gelu_erf(g) * u;
  if (kind == kRelu2) return u < 0.0 ? 0.0 : u * u;
  const float gate = g > limit ? limit : g;
  const float up = u > limit ? limit : (u < -limit ? -limit : u);
  return gate * sigmoid(alpha * gate) * (up + 1.0);
}
