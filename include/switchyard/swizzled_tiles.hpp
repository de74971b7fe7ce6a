// SPDX-License-Identifier: Apache-2.0
/// \file
/// WeightLayout::swizzled_tiles: which element of an expert matrix lies where.
#pragma once

#include <cstddef>
#include <cstdint>

#include "switchyard/expert_matrices.hpp"

namespace switchyard {

/// The tiles of one expert's matrix of 16-bit elements.
///
/// A tile is 256 rows of 64 elements, 128 bytes a row; the tiles of a stack lie as [E][row tiles]
/// [width tiles]. A row is eight chunks of 16 bytes, and chunk c of row r lies in place c ^ (r %
/// 8): eight rows that are read at one chunk lie in eight different places. Zeros beyond the last
/// row and the last column. With a gate, rows alternate by eights: gate rows of eight features,
/// then the up rows of the same features.
struct SwizzledTiles {
  static constexpr std::int64_t kRows = 256;  ///< Of a tile.
  static constexpr std::int64_t kWidth = 64;  ///< Elements of a tile's row.
  static constexpr std::int64_t kRowBytes = 128;
  static constexpr std::int64_t kBytes = kRows * kRowBytes;
  static constexpr std::int64_t kChunkElements = 8;  ///< 16 bytes; also rows of a gate group.
  static constexpr std::int64_t kChunks = kWidth / kChunkElements;

  std::int64_t num_rows;  ///< Of the matrix, gate rows included.
  std::int64_t width;     ///< Of the matrix.
  bool has_gate;

  [[nodiscard]] static constexpr SwizzledTiles of(const ExpertMatrices& matrices) noexcept {
    return {matrices.num_rows, matrices.width, matrices.has_gate};
  }

  /// Outputs of a tile that count after the activation.
  [[nodiscard]] constexpr std::int64_t tile_features() const noexcept {
    return has_gate ? kRows / 2 : kRows;
  }
  [[nodiscard]] constexpr std::int64_t num_features() const noexcept {
    return has_gate ? num_rows / 2 : num_rows;
  }
  [[nodiscard]] constexpr std::int64_t row_tiles() const noexcept {
    return (num_features() + tile_features() - 1) / tile_features();
  }
  [[nodiscard]] constexpr std::int64_t width_tiles() const noexcept {
    return (width + kWidth - 1) / kWidth;
  }
  [[nodiscard]] constexpr std::int64_t expert_bytes() const noexcept {
    return row_tiles() * width_tiles() * kBytes;
  }

  /// Where a tile of an expert starts, in bytes.
  [[nodiscard]] constexpr std::int64_t tile_offset(std::int64_t expert, std::int64_t row_tile,
                                                   std::int64_t width_tile) const noexcept {
    return ((expert * row_tiles() + row_tile) * width_tiles() + width_tile) * kBytes;
  }
  /// Where a chunk of a tile's row starts, in bytes from the tile's start.
  [[nodiscard]] static constexpr std::int64_t chunk_offset(std::int64_t row,
                                                           std::int64_t chunk) noexcept {
    return row * kRowBytes + (chunk ^ (row % kChunks)) * 16;
  }

  /// The feature that row `row` of row tile `row_tile` belongs to; may be beyond the last.
  [[nodiscard]] constexpr std::int64_t feature_of(std::int64_t row_tile,
                                                  std::int64_t row) const noexcept {
    const std::int64_t in_tile =
        has_gate ? row / (2 * kChunkElements) * kChunkElements + row % kChunkElements : row;
    return row_tile * tile_features() + in_tile;
  }
  /// Whether that row is an up row beside gate rows.
  [[nodiscard]] constexpr bool is_up(std::int64_t row) const noexcept {
    return has_gate && row / kChunkElements % 2 == 1;
  }

  /// Where element (row, column) of an expert's matrix starts, in bytes.
  [[nodiscard]] constexpr std::int64_t element_offset(std::int64_t expert, std::int64_t row,
                                                      std::int64_t column) const noexcept {
    const bool up = has_gate && row >= num_features();
    const std::int64_t feature = up ? row - num_features() : row;
    const std::int64_t in_tile = feature % tile_features();
    const std::int64_t tile_row = has_gate
                                      ? in_tile / kChunkElements * (2 * kChunkElements) +
                                            (up ? kChunkElements : 0) + in_tile % kChunkElements
                                      : in_tile;
    return tile_offset(expert, feature / tile_features(), column / kWidth) +
           chunk_offset(tile_row, column % kWidth / kChunkElements) + column % kChunkElements * 2;
  }
};

}  // namespace switchyard
