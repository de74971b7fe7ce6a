// SPDX-License-Identifier: Apache-2.0
// Which packed rows an expert owns, for bodies on host memory.
#pragma once

#include <cstdint>

#include "kernels/elements.hpp"
#include "switchyard/index.hpp"

namespace switchyard::kernels {

/// Rows [first, last).
struct RowRange {
  std::int64_t first;
  std::int64_t last;
};

/// The rows of `expert` by the plan; without a plan the live tokens.
template <class Params>
[[nodiscard]] RowRange rows_of(const Params& params, std::int64_t expert) noexcept {
  if (params.expert_offsets == nullptr) return {0, live_count(params.live_tokens, params.max_rows)};
  return {value_of(params.expert_offsets[expert]), value_of(params.expert_offsets[expert + 1])};
}

/// One (expert, columns) task of a grouped matrix product whose experts have `columns` columns.
struct ColumnTask {
  static constexpr std::int64_t kColumns = 32;

  std::int64_t expert;
  std::int64_t first;
  std::int64_t last;

  [[nodiscard]] static constexpr std::int64_t count(std::int64_t experts,
                                                    std::int64_t columns) noexcept {
    return experts * ((columns + kColumns - 1) / kColumns);
  }
  [[nodiscard]] static constexpr ColumnTask at(std::int64_t task, std::int64_t columns) noexcept {
    const std::int64_t per_expert = (columns + kColumns - 1) / kColumns;
    const std::int64_t first = task % per_expert * kColumns;
    return {task / per_expert, first, first + kColumns < columns ? first + kColumns : columns};
  }
};

}  // namespace switchyard::kernels
