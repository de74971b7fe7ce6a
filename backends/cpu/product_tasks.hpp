// SPDX-License-Identifier: Apache-2.0
// How a grouped matrix product is cut into tasks: (expert with rows, panels). What a task computes
// does not depend on the cut.
#pragma once

#include <algorithm>
#include <cstdint>

#include "backends/cpu/panels.hpp"
#include "kernels/down/params.hpp"
#include "kernels/expert_rows.hpp"
#include "kernels/gate_up/params.hpp"

namespace switchyard::cpu {

/// A product's cut.
struct ProductTasks {
  std::int64_t num_tasks;  // an upper bound: experts without rows have none
  std::int64_t tasks_per_expert;
  std::int64_t panels_per_task;
  std::int64_t num_panels;  // of an expert
};

[[nodiscard]] inline Panels gate_up_panels(const kernels::GateUpParams& params,
                                           std::int64_t columns) noexcept {
  const bool gated = kernels::has_gate(params);
  return {std::int64_t{params.intermediate_size} * (gated ? 2 : 1), columns, gated};
}
[[nodiscard]] inline Panels down_panels(const kernels::DownParams& params,
                                        std::int64_t columns) noexcept {
  return {params.hidden_size, columns, false};
}

/// Enough tasks that threads end together: 128 for each of them where there are so many runs of 4
/// panels, which is what the tile of a single row takes. A task's rows of x are read once; of many
/// rows that is what counts, so there are half as many tasks. More rows than are held at a time
/// meet the panels of a task anew, from a cache where they are few.
template <class Params>
[[nodiscard]] ProductTasks cut(const Params& params, const Panels& panels,
                               int num_threads) noexcept {
  const std::int64_t experts = std::min(params.num_experts, params.max_rows);
  const std::int64_t count = panels.count();
  constexpr std::int64_t kManyRows = 16;
  constexpr std::int64_t kMostRows = 96;
  const bool many_rows = params.max_rows >= kManyRows * params.num_experts &&
                         params.max_rows <= kMostRows * params.num_experts;
  const std::int64_t per_thread = many_rows ? 64 : 128;
  const std::int64_t even = experts * count / (per_thread * num_threads) / 4 * 4;
  const std::int64_t per_task = std::max<std::int64_t>(even, 4);
  const std::int64_t per_expert = (count + per_task - 1) / per_task;
  return {experts * per_expert, per_expert, per_task, count};
}

/// One task; expert -1: there are no more.
struct ProductTask {
  std::int64_t expert;
  std::int64_t first_panel;
  std::int64_t last_panel;
};

template <class Params>
[[nodiscard]] ProductTask task_at(const Params& params, const ProductTasks& tasks,
                                  std::int64_t index) noexcept {
  std::int64_t skip = index / tasks.tasks_per_expert;
  const std::int64_t first = index % tasks.tasks_per_expert * tasks.panels_per_task;
  const std::int64_t last = std::min(first + tasks.panels_per_task, tasks.num_panels);
  for (std::int64_t expert = 0; expert < params.num_experts; ++expert) {
    const kernels::RowRange rows = kernels::rows_of(params, expert);
    if (rows.first != rows.last && skip-- == 0) return {expert, first, last};
  }
  return {-1, 0, 0};
}

}  // namespace switchyard::cpu
