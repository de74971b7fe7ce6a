// SPDX-License-Identifier: Apache-2.0
// How the matrix products are laid out, by what the host knows.
#pragma once

#include <cstdint>

#include "kernels/sm90/product/shape.hpp"

namespace switchyard::kernels::sm90 {

/// Up to a slice of rows per expert, weights are read once and rows several times: L2 is told so.
/// Beyond, two blocks share what they read of the weights. From five slices on each expert's tiles
/// last so long that waiting for a partner costs more than the sharing brings.
[[nodiscard]] constexpr ProductLaunch choose_product(std::int64_t max_rows,
                                                     std::int64_t num_experts) noexcept {
  constexpr std::int64_t kOneSlice = ProductShape::kMaxRows;
  constexpr std::int64_t kManySlices = 5 * ProductShape::kMaxRows;
  const std::int64_t rows_per_expert = max_rows / num_experts;
  if (rows_per_expert <= kOneSlice) return {1, L2Keep::evict_first, L2Keep::evict_last, nullptr};
  return {rows_per_expert < kManySlices ? 2 : 1, L2Keep::normal, L2Keep::normal, nullptr};
}

}  // namespace switchyard::kernels::sm90
