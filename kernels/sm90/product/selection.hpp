// SPDX-License-Identifier: Apache-2.0
// How the matrix products are laid out, by what the host knows.
#pragma once

#include <cstdint>

#include "kernels/sm90/product/shape.hpp"

namespace switchyard::kernels::sm90 {

/// From so many rows per expert on the last wave of gate_up is a small part of it.
inline constexpr std::int64_t kManyWavesRows = 5 * ProductShape::kMaxRows;

/// From so many rows per expert on all experts have some, unless loads are far from even: the first
/// weights that blocks read are then known before the plan.
inline constexpr std::int64_t kGuessableRows = 8;

/// Up to a slice of rows per expert, weights are read once and rows several times: L2 is told so.
/// Beyond, two blocks share what they read of the weights: what L2 delivers costs power that the
/// tensor cores lack.
[[nodiscard]] constexpr ProductLaunch choose_product(std::int64_t max_rows,
                                                     std::int64_t num_experts) noexcept {
  constexpr std::int64_t kOneSlice = ProductShape::kMaxRows;
  const std::int64_t rows_per_expert = max_rows / num_experts;
  const std::int32_t guessed = rows_per_expert < kGuessableRows ? 0 : ProductShape::kStages;
  if (rows_per_expert <= kOneSlice)
    return {1, L2Keep::evict_first, L2Keep::evict_last, guessed, {}};
  return {2, L2Keep::normal, L2Keep::normal, guessed, {}};
}

/// Whether down begins with an expert before all of gate_up is done, where the products count what
/// is stored: what it saves is gate_up's last wave, which is little of a call of many rows
/// (docs/performance-log.md).
[[nodiscard]] constexpr bool begins_by_expert(std::int64_t max_rows,
                                              std::int64_t num_experts) noexcept {
  return max_rows / num_experts < kManyWavesRows;
}

/// Whether hidden states are copied to packed order for gate_up, where there is memory for that.
/// The copy costs by K * H, what it saves by K * H * I, some 5 % of gate_up where the tensor cores
/// are the limit: from more than a slice of rows per expert on (docs/performance-log.md).
[[nodiscard]] constexpr bool packs_hidden_states(std::int64_t max_rows, std::int64_t num_experts,
                                                 std::int64_t intermediate_size) noexcept {
  constexpr std::int64_t kWorthwhileWidth = 4096;
  return max_rows / num_experts > ProductShape::kMaxRows && intermediate_size >= kWorthwhileWidth;
}

}  // namespace switchyard::kernels::sm90
