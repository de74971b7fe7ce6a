// SPDX-License-Identifier: Apache-2.0
// How the CPU cuts grouped matrix products into tasks: every panel of an expert with rows once, in
// no more tasks than are drawn.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "backends/cpu/product_tasks.hpp"
#include "support/catch.hpp"
#include "support/random.hpp"

using namespace switchyard;
using namespace switchyard::cpu;
using switchyard::test::Random;

namespace {

/// What is wrong with the cut, or nothing.
std::string fault_of(const kernels::DownParams& params, int num_threads) {
  const Panels panels = down_panels(params, 16);
  const ProductTasks tasks = cut(params, panels, num_threads);
  std::vector<int> computed(static_cast<std::size_t>(params.num_experts * panels.count()));
  bool ended = false;
  for (std::int64_t i = 0; i < tasks.num_tasks + 2; ++i) {
    const ProductTask task = task_at(params, tasks, i);
    if (task.expert < 0) {
      ended = true;
      continue;
    }
    if (ended || i >= tasks.num_tasks) return "a task behind the last";
    if (task.expert >= params.num_experts) return "no such expert";
    if (task.first_panel < 0 || task.first_panel >= task.last_panel ||
        task.last_panel > panels.count())
      return "no such panels";
    if (task.first_panel % 4 != 0) return "a task begins inside a tile of one row";
    for (std::int64_t panel = task.first_panel; panel < task.last_panel; ++panel)
      ++computed[static_cast<std::size_t>(task.expert * panels.count() + panel)];
  }
  for (std::int64_t e = 0; e < params.num_experts; ++e) {
    const kernels::RowRange rows = kernels::rows_of(params, e);
    const auto first = computed.begin() + e * panels.count();
    const int times = rows.first == rows.last ? 0 : 1;
    if (std::count(first, first + panels.count(), times) != panels.count())
      return "panels of expert " + std::to_string(e) + " are not computed once";
  }
  return {};
}

}  // namespace

TEST_CASE("cpu: tasks compute each panel of the experts with rows once", "[cpu]") {
  Random random(71'000);
  for (int i = 0; i < 2000; ++i) {
    const auto experts = static_cast<std::int32_t>(random.in(1, 70));
    const std::int64_t most = i % 4 == 0 ? 200 : 3;
    std::vector<PackedRow> offsets{PackedRow{0}};
    for (std::int32_t e = 0; e < experts; ++e) {
      const std::int64_t rows = random.in(0, 2) == 0 ? 0 : random.in(0, most);
      offsets.push_back(PackedRow{value_of(offsets.back()) + static_cast<std::int32_t>(rows)});
    }
    kernels::DownParams params{};
    params.expert_offsets = offsets.data();
    params.num_experts = experts;
    // Pairs that are skipped have no packed row.
    params.max_rows = value_of(offsets.back()) + static_cast<std::int32_t>(random.in(0, 5));
    if (params.max_rows == 0) continue;
    params.hidden_size = static_cast<std::int32_t>(random.in(1, 5000));
    const int threads = static_cast<int>(random.in(1, i % 3 == 0 ? 100 : 4));
    INFO("case " << i << ": " << experts << " experts, " << params.max_rows << " rows, H "
                 << params.hidden_size << ", " << threads << " threads");
    REQUIRE(fault_of(params, threads) == "");
  }
}
