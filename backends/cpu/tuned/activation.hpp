// SPDX-License-Identifier: Apache-2.0
// kernels/activation.hpp and kernels/math.hpp on vectors: the same operations in the same order, so
// the same bits.
#pragma once

#include "backends/cpu/tuned/tile.hpp"

template <class S>
SWITCHYARD_INLINE typename S::Vec exp_nonpositive(typename S::Vec x) {
  using Vec = typename S::Vec;
  const Vec least = S::set1(-87.0F);
  const typename S::Mask small = S::less(x, least);
  const Vec inside = S::select(small, x, least);
  const Vec whole = S::truncate(S::sub(S::mul(inside, S::set1(0x1.715476p0F)), S::set1(0.5F)));
  const Vec r = S::sub(S::sub(inside, S::mul(whole, S::set1(0x1.62ep-1F))),
                       S::mul(whole, S::set1(0x1.0bfbe8p-15F)));
  Vec series = S::set1(1.0F / 5040.0F);
  series = S::add(S::mul(series, r), S::set1(1.0F / 720.0F));
  series = S::add(S::mul(series, r), S::set1(1.0F / 120.0F));
  series = S::add(S::mul(series, r), S::set1(1.0F / 24.0F));
  series = S::add(S::mul(series, r), S::set1(1.0F / 6.0F));
  series = S::add(S::mul(series, r), S::set1(0.5F));
  series = S::add(S::mul(series, S::mul(r, r)), r);
  const Vec value = S::mul(S::add(series, S::set1(1.0F)), S::power_of_two(whole));
  return S::select(small, value, S::set1(0.0F));
}

template <class S>
SWITCHYARD_INLINE typename S::Vec sigmoid(typename S::Vec x) {
  using Vec = typename S::Vec;
  const Vec zero = S::set1(0.0F);
  const Vec one = S::set1(1.0F);
  const typename S::Mask negative = S::less(x, zero);
  const typename S::Mask nan = S::is_nan(x);
  const Vec minus_magnitude = S::select(negative, S::sub(zero, x), x);
  const Vec e = exp_nonpositive<S>(S::select(nan, minus_magnitude, zero));
  const Vec value = S::div(S::select(negative, one, e), S::add(one, e));
  return S::select(nan, value, x);
}

/// The lanes one by one, through the plain function.
template <class S>
inline typename S::Vec gelu_erf(typename S::Vec g) {
  float lanes[S::kLanes];
  S::store(lanes, g);
  for (float& lane : lanes) lane = kernels::gelu_erf(lane);
  return S::load(lanes);
}

/// activate() of kernels/activation.hpp.
template <class S>
inline typename S::Vec activate(const kernels::GateUpParams& params, typename S::Vec g,
                                typename S::Vec u) {
  using Vec = typename S::Vec;
  switch (params.activation) {
    case ActivationKind::swiglu:
      return S::mul(S::mul(g, sigmoid<S>(g)), u);
    case ActivationKind::geglu_tanh: {
      const Vec cubic = S::add(g, S::mul(S::mul(S::mul(S::set1(0.044715F), g), g), g));
      return S::mul(S::mul(g, sigmoid<S>(S::mul(S::set1(1.5957691216F), cubic))), u);
    }
    case ActivationKind::geglu_erf:
      return S::mul(gelu_erf<S>(g), u);
    case ActivationKind::relu2:
      return S::select(S::less(u, S::set1(0.0F)), S::mul(u, u), S::set1(0.0F));
    case ActivationKind::swiglu_clamped:
      break;
  }
  const Vec limit = S::set1(params.limit);
  const Vec minus_limit = S::set1(-params.limit);
  const Vec gate = S::select(S::less(limit, g), g, limit);
  const Vec below = S::select(S::less(u, minus_limit), u, minus_limit);
  const Vec up = S::select(S::less(limit, u), below, limit);
  return S::mul(S::mul(gate, sigmoid<S>(S::mul(S::set1(params.alpha), gate))),
                S::add(up, S::set1(1.0F)));
}
