// SPDX-License-Identifier: Apache-2.0
#include "core/checkpoint/rearrange.hpp"

#include <algorithm>
#include <cstring>

namespace switchyard::checkpoint {
namespace {

template <std::size_t kElement>
void transpose_elements(const std::byte* from, std::size_t rows, std::size_t cols, std::byte* to) {
  constexpr std::size_t kTile = 32;
  for (std::size_t r0 = 0; r0 < rows; r0 += kTile) {
    const std::size_t r1 = std::min(r0 + kTile, rows);
    for (std::size_t c0 = 0; c0 < cols; c0 += kTile) {
      const std::size_t c1 = std::min(c0 + kTile, cols);
      for (std::size_t c = c0; c < c1; ++c) {
        for (std::size_t r = r0; r < r1; ++r) {
          std::memcpy(to + (c * rows + r) * kElement, from + (r * cols + c) * kElement, kElement);
        }
      }
    }
  }
}

}  // namespace

void transpose(std::span<const std::byte> from, MatrixShape shape, std::span<std::byte> to) {
  if (shape.element == 2) {
    transpose_elements<2>(from.data(), shape.rows, shape.cols, to.data());
  } else {
    transpose_elements<4>(from.data(), shape.rows, shape.cols, to.data());
  }
}

void split_rows(std::span<const std::byte> from, MatrixShape shape, std::span<std::byte> to) {
  const std::size_t row = shape.cols * shape.element;
  const std::size_t evens = (shape.rows + 1) / 2;
  for (std::size_t r = 0; r < shape.rows; ++r) {
    const std::size_t target = r % 2 == 0 ? r / 2 : evens + r / 2;
    std::memcpy(to.data() + target * row, from.data() + r * row, row);
  }
}

}  // namespace switchyard::checkpoint
