// SPDX-License-Identifier: Apache-2.0
#include "kernels/down/reference.hpp"

#include <array>

#include "kernels/dot.hpp"
#include "kernels/elements.hpp"
#include "kernels/expert_rows.hpp"

namespace switchyard::kernels::reference {
namespace {

/// Columns [task.first, task.last) of one row.
void run_row(const DownParams& params, const ColumnTask& task, std::int64_t row, Dot dot) {
  const std::int64_t width = params.intermediate_size;
  const void* x = address(params.activation_dtype, params.activated, row * width);
  std::array<float, ColumnTask::kColumns> columns;
  for (std::int64_t h = task.first; h < task.last; ++h) {
    const std::int64_t weight_row = task.expert * params.hidden_size + h;
    const void* weights = address(params.weight_dtype, params.down, weight_row * width);
    const float bias = params.bias == nullptr ? 0.0F : params.bias[weight_row];
    columns[static_cast<std::size_t>(h - task.first)] = dot(x, weights, width) + bias;
  }
  store_row(params.activation_dtype, columns.data(), task.last - task.first, params.expert_rows,
            row * params.hidden_size + task.first);
}

}  // namespace

std::int64_t num_tasks(const DownParams& params) noexcept {
  return ColumnTask::count(params.num_experts, params.hidden_size);
}

void run(const DownParams& params, std::int64_t first, std::int64_t last) noexcept {
  const Dot dot = dot_for(params.activation_dtype, params.weight_dtype);
  for (std::int64_t i = first; i < last; ++i) {
    const ColumnTask task = ColumnTask::at(i, params.hidden_size);
    const RowRange rows = rows_of(params, task.expert);
    for (std::int64_t row = rows.first; row < rows.last; ++row) run_row(params, task, row, dot);
  }
}

}  // namespace switchyard::kernels::reference
