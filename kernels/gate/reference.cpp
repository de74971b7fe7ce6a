// SPDX-License-Identifier: Apache-2.0
#include "kernels/gate/reference.hpp"

#include <algorithm>

#include "kernels/dot.hpp"
#include "kernels/elements.hpp"

namespace switchyard::kernels::reference {
namespace {

constexpr std::int64_t kOutputsPerTask = 8;

}  // namespace

std::int64_t num_tasks(const GateParams& params) noexcept {
  return (params.num_outputs + kOutputsPerTask - 1) / kOutputsPerTask;
}

void run(const GateParams& params, std::int64_t first, std::int64_t last) noexcept {
  const std::int64_t hidden = params.hidden_size;
  const std::int64_t outputs = params.num_outputs;
  const std::int32_t live = live_count(params.live_tokens, params.num_tokens);
  const Dot dot = dot_for(params.activation_dtype, DType::f32);
  const std::int64_t end = std::min(last * kOutputsPerTask, outputs);
  for (std::int64_t n = first * kOutputsPerTask; n < end; ++n) {
    const float bias = params.bias == nullptr ? 0.0F : params.bias[n];
    for (std::int64_t t = 0; t < live; ++t) {
      const void* x = address(params.activation_dtype, params.hidden_states, t * hidden);
      const float logit = dot(x, params.weight + n * hidden, hidden) + bias;
      params.logits[t * outputs + n] = params.rounding == Rounding::activation
                                           ? round_to(params.activation_dtype, logit)
                                           : logit;
    }
  }
}

}  // namespace switchyard::kernels::reference
