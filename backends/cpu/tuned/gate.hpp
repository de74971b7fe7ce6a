// SPDX-License-Identifier: Apache-2.0
// Stage "gate", bit for bit as strided_sum of kernels/math.hpp: 64 partial sums, products rounded
// before they are added.
#pragma once

#include "backends/cpu/tuned/product.hpp"

/// strided_sum of x[i] * weight[i]. x is zero from `count` to the next multiple of kLanes.
template <class S>
inline float strided_dot(const float* x, const float* weight, std::int64_t count) {
  using Vec = typename S::Vec;
  constexpr std::int64_t kVectors = 64 / S::kLanes;
  Vec partial[kVectors];
  for (Vec& p : partial) p = S::set1(0.0F);
  std::int64_t i = 0;
  for (; i + 64 <= count; i += 64)
    for (std::int64_t v = 0; v < kVectors; ++v) {
      const std::int64_t at = i + v * S::kLanes;
      partial[v] = S::add(partial[v], S::mul(S::load(x + at), S::load(weight + at)));
    }
  for (std::int64_t v = 0; i < count; ++v, i += S::kLanes) {
    const Vec w = load_lanes<S>(weight, i, std::min(S::kLanes, count - i));
    partial[v] = S::add(partial[v], S::mul(S::load(x + i), w));
  }
  for (std::int64_t width = kVectors / 2; width > 0; width /= 2)
    for (std::int64_t v = 0; v < width; ++v) partial[v] = S::add(partial[v], partial[v + width]);
  return S::sum(partial[0]);
}

template <class S>
inline void run_gate(const kernels::GateParams& params, std::int64_t first, std::int64_t last,
                     std::span<std::byte> scratch) {
  const Workspace work(scratch);
  const std::int64_t hidden = params.hidden_size;
  if (hidden > Workspace::kFloatsOfX) return kernels::reference::run(params, first, last);
  const std::int64_t outputs = params.num_outputs;
  const std::int64_t begin = first * kernels::reference::kGateOutputsPerTask;
  const std::int64_t end = std::min(last * kernels::reference::kGateOutputsPerTask, outputs);
  const std::int64_t live = kernels::live_count(params.live_tokens, params.num_tokens);
  for (std::int64_t t = 0; t < live; ++t) {
    load_row<S>(params.activation_dtype, params.hidden_states, t * hidden, hidden, work.x);
    for (std::int64_t n = begin; n < end; ++n) {
      const float bias = params.bias == nullptr ? 0.0F : params.bias[n];
      const float logit = strided_dot<S>(work.x, params.weight + n * hidden, hidden) + bias;
      params.logits[t * outputs + n] = params.rounding == Rounding::activation
                                           ? kernels::round_to(params.activation_dtype, logit)
                                           : logit;
    }
  }
}
