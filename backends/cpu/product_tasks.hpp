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

/// A product's cut. Experts with rows are cut one after the other; how finely, by how many of them
/// come later.
struct ProductTasks {
  std::int64_t num_tasks;
  std::int64_t num_experts;    // with rows: the others have no tasks
  std::int64_t num_panels;     // of an expert
  std::int64_t fewest_panels;  // of a task but an expert's last
  std::int64_t most_panels;
  std::int64_t shares;  // a task is about one of so many shares of what comes later

  /// Panels of the tasks of an expert that `later` others follow.
  [[nodiscard]] constexpr std::int64_t panels_per_task(std::int64_t later) const noexcept {
    if (later >= shares) return most_panels;
    return std::clamp(num_panels * later / shares / 4 * 4, fewest_panels, most_panels);
  }
  [[nodiscard]] constexpr std::int64_t tasks_of(std::int64_t later) const noexcept {
    const std::int64_t panels = panels_per_task(later);
    return (num_panels + panels - 1) / panels;
  }
  /// Experts that enough others follow: they have as many tasks each, and come first.
  [[nodiscard]] constexpr std::int64_t experts_cut_alike() const noexcept {
    return std::max<std::int64_t>(num_experts - shares, 0);
  }
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

template <class Params>
[[nodiscard]] std::int64_t count_experts_with_rows(const Params& params) noexcept {
  std::int64_t count = 0;
  for (std::int64_t expert = 0; expert < params.num_experts; ++expert) {
    const kernels::RowRange rows = kernels::rows_of(params, expert);
    if (rows.first != rows.last) ++count;
  }
  return count;
}

/// Where an expert has few rows, reading is what counts, and each task begins a stream of its own:
/// a task is a whole expert as long as there are more than a few for each thread, then fewer and
/// fewer panels, so that threads end together. Its panels are a multiple of 4, which is what the
/// tile of a single row takes; even the last expert has no more than 128 tasks for each thread.
///
/// Experts may differ in their rows; of many rows that is what counts, so tasks are even. A task's
/// rows of x are read once, so there are 64 for each thread. More rows than are held at a time meet
/// the panels of a task anew, from a cache where they are few: 128.
///
/// Reads expert_offsets: plan is done.
template <class Params>
[[nodiscard]] ProductTasks cut(const Params& params, const Panels& panels,
                               int num_threads) noexcept {
  const std::int64_t experts = count_experts_with_rows(params);
  const std::int64_t count = panels.count();
  constexpr std::int64_t kManyRows = 16;
  constexpr std::int64_t kMostRows = 96;
  const bool few_rows = params.max_rows < kManyRows * params.num_experts;
  const bool fit = params.max_rows <= kMostRows * params.num_experts;
  const std::int64_t per_thread = !few_rows && fit ? 64 : 128;
  const std::int64_t cut_evenly = few_rows ? count : experts * count;
  const std::int64_t even = cut_evenly / (per_thread * num_threads) / 4 * 4;
  ProductTasks tasks{};
  tasks.num_experts = experts;
  tasks.num_panels = count;
  tasks.fewest_panels = std::max<std::int64_t>(even, 4);
  tasks.most_panels = few_rows ? std::max(count, tasks.fewest_panels) : tasks.fewest_panels;
  tasks.shares = std::int64_t{2} * num_threads;
  const std::int64_t cut_alike = tasks.experts_cut_alike();
  tasks.num_tasks = cut_alike * tasks.tasks_of(tasks.shares);
  for (std::int64_t later = experts - cut_alike; later-- > 0;)
    tasks.num_tasks += tasks.tasks_of(later);
  return tasks;
}

/// One task; expert -1: there are no more.
struct ProductTask {
  std::int64_t expert;
  std::int64_t first_panel;
  std::int64_t last_panel;
};

/// The expert that `skip` others with rows precede; -1: there is none.
template <class Params>
[[nodiscard]] std::int64_t expert_with_rows(const Params& params, std::int64_t skip) noexcept {
  for (std::int64_t expert = 0; expert < params.num_experts; ++expert) {
    const kernels::RowRange rows = kernels::rows_of(params, expert);
    if (rows.first != rows.last && skip-- == 0) return expert;
  }
  return -1;
}

template <class Params>
[[nodiscard]] ProductTask task_at(const Params& params, const ProductTasks& tasks,
                                  std::int64_t index) noexcept {
  const std::int64_t experts = tasks.num_experts;
  std::int64_t skip = std::min(tasks.experts_cut_alike(), index / tasks.tasks_of(tasks.shares));
  index -= skip * tasks.tasks_of(tasks.shares);
  for (; skip < experts && index >= tasks.tasks_of(experts - 1 - skip); ++skip)
    index -= tasks.tasks_of(experts - 1 - skip);
  if (skip == experts) return {-1, 0, 0};
  const std::int64_t panels = tasks.panels_per_task(experts - 1 - skip);
  const std::int64_t first = index * panels;
  return {expert_with_rows(params, skip), first, std::min(first + panels, tasks.num_panels)};
}

}  // namespace switchyard::cpu
