// SPDX-License-Identifier: Apache-2.0
// The bodies of the matrix stages.
#pragma once

#include "backends/cpu/tuned/activation.hpp"
#include "backends/cpu/tuned/product.hpp"

/// The packed rows of a launch, as rows of x.
struct StateRows {
  const kernels::GateUpParams& params;
  DType dtype;

  [[nodiscard]] const void* address(std::int64_t row) const {
    return kernels::address(dtype, params.hidden_states,
                            kernels::token_of(params, row) * params.hidden_size);
  }
};

struct ActivatedRows {
  const kernels::DownParams& params;
  DType dtype;

  [[nodiscard]] const void* address(std::int64_t row) const {
    return kernels::address(dtype, params.activated, row * params.intermediate_size);
  }
};

/// Where the rows of a product go. More than a second-level cache holds are gone from it when the
/// next stage reads them; through it, their old contents would be read first, while no tile is
/// multiplied.
[[nodiscard]] inline StoreTo store_results(std::int64_t max_rows, std::int64_t width) {
  constexpr std::int64_t kManyElements = std::int64_t{1} << 20;
  return max_rows * width >= kManyElements ? StoreTo::memory : StoreTo::caches;
}

/// Scale, bias, rounding and activation of one row and panel, to `activated`.
template <class S>
struct FinishGateUp {
  const kernels::GateUpParams& params;
  std::int64_t expert;
  StoreTo where;

  [[nodiscard]] typename S::Vec product(const float* sums, float scale, std::int64_t bias_row,
                                        std::int64_t count) const {
    const typename S::Vec bias = load_lanes<S>(params.bias, bias_row, count);
    const typename S::Vec value = S::add(S::mul(S::set1(scale), S::load(sums)), bias);
    return params.input_rounding == Rounding::activation
               ? round_lanes<S>(params.activation_dtype, value)
               : value;
  }

  void operator()(std::int64_t row, std::int64_t panel, const float* sums) const {
    const std::int64_t width = params.intermediate_size;
    const bool gated = kernels::has_gate(params);
    const float scale = kernels::input_weight(params, row);
    const std::int64_t first_row = expert * (gated ? 2 : 1) * width;
    const std::int64_t parts = gated ? 1 : 2;
    for (std::int64_t part = 0; part < parts; ++part) {
      const std::int64_t feature = (panel * parts + part) * S::kLanes;
      const std::int64_t count = std::min(S::kLanes, width - feature);
      if (count <= 0) return;
      const typename S::Vec gate =
          gated ? product(sums, scale, first_row + feature, count) : S::set1(0.0F);
      const typename S::Vec up =
          gated ? product(sums + S::kLanes, scale, first_row + width + feature, count)
                : product(sums + part * S::kLanes, scale, first_row + feature, count);
      store_lanes<S>(params.activation_dtype, params.activated, row * width + feature, count,
                     activate<S>(params, gate, up), where);
    }
  }
};

/// Bias of one row and panel, to `expert_rows`.
template <class S>
struct FinishDown {
  const kernels::DownParams& params;
  std::int64_t expert;
  StoreTo where;

  void operator()(std::int64_t row, std::int64_t panel, const float* sums) const {
    const std::int64_t hidden = params.hidden_size;
    for (std::int64_t part = 0; part < 2; ++part) {
      const std::int64_t column = (panel * 2 + part) * S::kLanes;
      const std::int64_t count = std::min(S::kLanes, hidden - column);
      if (count <= 0) return;
      const typename S::Vec bias = load_lanes<S>(params.bias, expert * hidden + column, count);
      store_lanes<S>(params.activation_dtype, params.expert_rows, row * hidden + column, count,
                     S::add(S::load(sums + part * S::kLanes), bias), where);
    }
  }
};

/// Runs tasks; product(matrix, first panel, last panel, x, rows, workspace, finish) is what
/// multiplies.
template <class S, class Product>
inline void run_gate_up_tasks(const kernels::GateUpParams& params, const ProductTasks& tasks,
                              std::int64_t first, std::int64_t last, std::span<std::byte> scratch,
                              const Product& product) {
  const Workspace work(scratch);
  const StateRows rows{params, params.activation_dtype};
  // Past the caches where a panel's features of a row fill a line: parts of one do not pay.
  const bool whole_lines =
      static_cast<std::size_t>(S::kLanes) * size_of(params.activation_dtype) >= 64;
  const StoreTo where =
      whole_lines ? store_results(params.max_rows, params.intermediate_size) : StoreTo::caches;
  for (std::int64_t i = first; i < last; ++i) {
    const ProductTask task = task_at(params, tasks, i);
    if (task.expert < 0) break;
    const Matrix matrix{params.gate_up,       task.expert,
                        params.hidden_size,   gate_up_panels(params, 2 * S::kLanes),
                        params.weight_layout, params.weight_dtype};
    product(matrix, task.first_panel, task.last_panel, rows, kernels::rows_of(params, task.expert),
            work, FinishGateUp<S>{params, task.expert, where});
  }
  if (where == StoreTo::memory) S::end_streaming();
}

template <class S, class Product>
inline void run_down_tasks(const kernels::DownParams& params, const ProductTasks& tasks,
                           std::int64_t first, std::int64_t last, std::span<std::byte> scratch,
                           const Product& product) {
  const Workspace work(scratch);
  const ActivatedRows rows{params, params.activation_dtype};
  const StoreTo where = store_results(params.max_rows, params.hidden_size);
  for (std::int64_t i = first; i < last; ++i) {
    const ProductTask task = task_at(params, tasks, i);
    if (task.expert < 0) break;
    const Matrix matrix{params.down,
                        task.expert,
                        params.intermediate_size,
                        down_panels(params, 2 * S::kLanes),
                        params.weight_layout,
                        params.weight_dtype};
    product(matrix, task.first_panel, task.last_panel, rows, kernels::rows_of(params, task.expert),
            work, FinishDown<S>{params, task.expert, where});
  }
  if (where == StoreTo::memory) S::end_streaming();
}

template <class S>
inline void run_gate_up(const kernels::GateUpParams& params, const ProductTasks& tasks,
                        std::int64_t first, std::int64_t last, std::span<std::byte> scratch) {
  run_gate_up_tasks<S>(params, tasks, first, last, scratch,
                       [](const auto&... arguments) { multiply<S>(arguments...); });
}

template <class S>
inline void run_down(const kernels::DownParams& params, const ProductTasks& tasks,
                     std::int64_t first, std::int64_t last, std::span<std::byte> scratch) {
  run_down_tasks<S>(params, tasks, first, last, scratch,
                    [](const auto&... arguments) { multiply<S>(arguments...); });
}
