// SPDX-License-Identifier: Apache-2.0
// The panels of switchyard/weight_layout.hpp on the CPU: which column of a matrix lies where.
#pragma once

#include <cstddef>
#include <cstdint>

#include "switchyard/expert_matrices.hpp"

namespace switchyard::cpu {

/// Columns of a panel; 0: the layout has none.
[[nodiscard]] constexpr std::int64_t panel_columns(WeightLayout layout) noexcept {
  switch (layout) {
    case WeightLayout::rows:
    case WeightLayout::swizzled_tiles:
      return 0;
    case WeightLayout::panels8:
      return 8;
    case WeightLayout::panels16:
      return 16;
    case WeightLayout::panels32:
    case WeightLayout::pair_tiles:
    case WeightLayout::pairs32:
      return 32;
  }
  return 0;
}

/// Whether a panel's elements lie in pairs along the width.
[[nodiscard]] constexpr bool holds_pairs(WeightLayout layout) noexcept {
  return layout == WeightLayout::pair_tiles || layout == WeightLayout::pairs32;
}

/// Whether bodies multiply matrices of `width` that lie so: of pairs32, rows of x are whole pairs.
[[nodiscard]] constexpr bool suits(WeightLayout layout, std::int64_t width) noexcept {
  return layout != WeightLayout::pairs32 || width % 2 == 0;
}

/// Elements of a column in a panel: the width, and zeros.
[[nodiscard]] constexpr std::int64_t packed_width(std::int64_t width,
                                                  WeightLayout layout) noexcept {
  if (layout == WeightLayout::pair_tiles) return (width + 31) / 32 * 32;
  if (layout == WeightLayout::pairs32) return (width + 1) / 2 * 2;
  return width;
}

/// How the rows of one expert's matrix are dealt to panels of `columns`.
struct Panels {
  std::int64_t num_rows;  // of the matrix, gate rows included
  std::int64_t columns;   // of a panel
  bool has_gate;

  /// Outputs of a panel that count after the activation.
  [[nodiscard]] constexpr std::int64_t features() const noexcept {
    return has_gate ? columns / 2 : columns;
  }
  [[nodiscard]] constexpr std::int64_t num_features() const noexcept {
    return has_gate ? num_rows / 2 : num_rows;
  }
  [[nodiscard]] constexpr std::int64_t count() const noexcept {
    return (num_features() + features() - 1) / features();
  }
  /// The row that is column `column` of panel `panel`; -1: there is none.
  [[nodiscard]] constexpr std::int64_t row_of(std::int64_t panel,
                                              std::int64_t column) const noexcept {
    const bool up = has_gate && column >= features();
    const std::int64_t feature = panel * features() + (up ? column - features() : column);
    if (feature >= num_features()) return -1;
    return up ? num_features() + feature : feature;
  }
};

[[nodiscard]] constexpr Panels panels_of(const ExpertMatrices& matrices,
                                         std::int64_t columns) noexcept {
  return {matrices.num_rows, columns, matrices.has_gate};
}

/// Elements of one packed expert.
[[nodiscard]] constexpr std::int64_t packed_elements(const ExpertMatrices& matrices,
                                                     WeightLayout layout) noexcept {
  const std::int64_t columns = panel_columns(layout);
  if (columns == 0) return matrices.num_rows * matrices.width;
  return panels_of(matrices, columns).count() * packed_width(matrices.width, layout) * columns;
}

}  // namespace switchyard::cpu
