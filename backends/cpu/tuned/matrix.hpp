// SPDX-License-Identifier: Apache-2.0
// What a task multiplies with.
#pragma once

/// One expert's matrix.
struct Matrix {
  const void* data;  // of the stack
  std::int64_t expert;
  std::int64_t width;
  Panels panels;
  WeightLayout layout;
  DType dtype;
};

/// Panel `panel` of a matrix whose panels have `columns` columns.
template <class Stored>
[[nodiscard]] inline const Stored* panel_of(const Matrix& matrix, std::int64_t panel,
                                            std::int64_t columns) {
  return static_cast<const Stored*>(matrix.data) +
         (matrix.expert * matrix.panels.count() + panel) * matrix.width * columns;
}
