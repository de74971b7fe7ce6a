// SPDX-License-Identifier: Apache-2.0
// The activations of switchyard/layer_config.hpp, in f32.
#pragma once

#include <cmath>

#include "kernels/function.hpp"
#include "kernels/math.hpp"
#include "switchyard/layer_config.hpp"

namespace switchyard::kernels {

/// gelu by its tanh approximation, 0.5 x (1 + tanh(y)) written as x sigmoid(2 y), which does not
/// cancel (Hendrycks and Gimpel 2016).
[[nodiscard]] SWITCHYARD_FN inline float gelu_tanh(float x) noexcept {
  constexpr float kTwoSqrtTwoOverPi = 1.5957691216F;
  return x * sigmoid(kTwoSqrtTwoOverPi * (x + 0.044715F * x * x * x));
}

/// x times the normal distribution function, by erfc, which does not cancel for negative x.
[[nodiscard]] SWITCHYARD_FN inline float gelu_erf(float x) noexcept {
  constexpr float kMinusSqrtHalf = -0.70710678119F;
  return x * (0.5F * std::erfc(x * kMinusSqrtHalf));
}

/// The feature an expert keeps from its gate product g and its up product u.
[[nodiscard]] SWITCHYARD_FN inline float activate(ActivationKind kind, float alpha, float limit,
                                                  float g, float u) noexcept {
  switch (kind) {
    case ActivationKind::swiglu:
      return g * sigmoid(g) * u;
    case ActivationKind::geglu_tanh:
      return gelu_tanh(g) * u;
    case ActivationKind::geglu_erf:
      return gelu_erf(g) * u;
    case ActivationKind::relu2:
      return u < 0.0F ? 0.0F : u * u;
    case ActivationKind::swiglu_clamped:
      break;
  }
  const float gate = g > limit ? limit : g;
  const float up = u > limit ? limit : (u < -limit ? -limit : u);
  return gate * sigmoid(alpha * gate) * (up + 1.0F);
}

}  // namespace switchyard::kernels
