// SPDX-License-Identifier: Apache-2.0
#include "kernels/gate/reference.hpp"

#include <algorithm>

#include "kernels/elements.hpp"
#include "kernels/math.hpp"

namespace switchyard::kernels::reference {
namespace {

/// The inner product of token t and output n.
[[nodiscard]] float row_product(const GateParams& params, std::int64_t t, std::int64_t n) {
  const std::int64_t hidden = params.hidden_size;
  const float* const weight = params.weight + n * hidden;
  return with_type_of(params.activation_dtype, [&](auto stored) {
    return strided_sum(params.hidden_size, [&](std::int32_t h) {
      return load<decltype(stored)>(params.hidden_states, t * hidden + h) * weight[h];
    });
  });
}

}  // namespace

std::int64_t num_tasks(const GateParams& params) noexcept {
  return (params.num_outputs + kGateOutputsPerTask - 1) / kGateOutputsPerTask;
}

void run(const GateParams& params, std::int64_t first, std::int64_t last) noexcept {
  const std::int64_t outputs = params.num_outputs;
  const std::int32_t live = live_count(params.live_tokens, params.num_tokens);
  const std::int64_t end = std::min(last * kGateOutputsPerTask, outputs);
  for (std::int64_t n = first * kGateOutputsPerTask; n < end; ++n) {
    const float bias = params.bias == nullptr ? 0.0F : params.bias[n];
    for (std::int64_t t = 0; t < live; ++t) {
      const float logit = row_product(params, t, n) + bias;
      params.logits[t * outputs + n] = params.rounding == Rounding::activation
                                           ? round_to(params.activation_dtype, logit)
                                           : logit;
    }
  }
}

}  // namespace switchyard::kernels::reference
