// SPDX-License-Identifier: Apache-2.0
// Copies of matrices in another order of elements, at any alignment.
#pragma once

#include <cstddef>
#include <span>

namespace switchyard::checkpoint {

/// Rows and columns of a dense row-major matrix, and bytes of an element (2 or 4).
struct MatrixShape {
  std::size_t rows = 0;
  std::size_t cols = 0;
  std::size_t element = 0;

  [[nodiscard]] std::size_t bytes() const noexcept { return rows * cols * element; }
};

/// to[c][r] = from[r][c].
void transpose(std::span<const std::byte> from, MatrixShape shape, std::span<std::byte> to);

/// Moves the even rows to the front, the odd ones behind them.
void split_rows(std::span<const std::byte> from, MatrixShape shape, std::span<std::byte> to);

}  // namespace switchyard::checkpoint
