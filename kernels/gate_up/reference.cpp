// SPDX-License-Identifier: Apache-2.0
#include "kernels/gate_up/reference.hpp"

#include <array>

#include "kernels/activation.hpp"
#include "kernels/dot.hpp"
#include "kernels/elements.hpp"
#include "kernels/expert_rows.hpp"
#include "kernels/gate_up/input_rows.hpp"

namespace switchyard::kernels::reference {
namespace {

/// Features [task.first, task.last) of one row.
void run_row(const GateUpParams& params, const ColumnTask& task, std::int64_t row, Dot dot) {
  const std::int64_t hidden = params.hidden_size;
  const std::int64_t width = params.intermediate_size;
  const bool gated = has_gate(params);
  const std::int64_t first_row = task.expert * (gated ? 2 : 1) * width;
  const float scale = input_weight(params, row);
  const void* x =
      address(params.activation_dtype, params.hidden_states, token_of(params, row) * hidden);
  const auto product = [&](std::int64_t weight_row) {
    const void* weights = address(params.weight_dtype, params.gate_up, weight_row * hidden);
    const float bias = params.bias == nullptr ? 0.0F : params.bias[weight_row];
    const float sum = scale * dot(x, weights, hidden) + bias;
    return params.input_rounding == Rounding::activation ? round_to(params.activation_dtype, sum)
                                                         : sum;
  };
  std::array<float, ColumnTask::kColumns> features;
  for (std::int64_t f = task.first; f < task.last; ++f) {
    const float up = product(first_row + (gated ? width : 0) + f);
    const float gate = gated ? product(first_row + f) : 0.0F;
    features[static_cast<std::size_t>(f - task.first)] =
        activate(params.activation, params.alpha, params.limit, gate, up);
  }
  store_row(params.activation_dtype, features.data(), task.last - task.first, params.activated,
            row * width + task.first);
}

}  // namespace

std::int64_t num_tasks(const GateUpParams& params) noexcept {
  return ColumnTask::count(params.num_experts, params.intermediate_size);
}

void run(const GateUpParams& params, std::int64_t first, std::int64_t last) noexcept {
  const Dot dot = dot_for(params.activation_dtype, params.weight_dtype);
  for (std::int64_t i = first; i < last; ++i) {
    const ColumnTask task = ColumnTask::at(i, params.intermediate_size);
    const RowRange rows = rows_of(params, task.expert);
    for (std::int64_t row = rows.first; row < rows.last; ++row) run_row(params, task, row, dot);
  }
}

}  // namespace switchyard::kernels::reference
