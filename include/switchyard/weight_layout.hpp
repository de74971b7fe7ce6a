// SPDX-License-Identifier: Apache-2.0
/// \file
/// How expert matrices lie in device memory.
#pragma once

#include <cstdint>

namespace switchyard {

/// The layout of a stack of expert matrices.
///
/// panels<C>: panels of C columns, where a column is a row of the checkpoint's matrix: [E][panels]
/// [width][C], zeros beyond the last column. With a gate, a panel is C/2 gate columns and the C/2
/// up columns of the same features. Elements of 16 bits whose dtype is bf16 lie in pairs: column c
/// and column c + C/2 are neighbours, so that a shift and a mask widen them.
///
/// pair_tiles: panels of 32 columns of bf16, of two tiles side by side; a tile is 16 columns by 16
/// pairs of neighbours along the width: [E][panels][ceil(width / 32)][2][16][16][2], zeros beyond
/// the last column and the width.
///
/// pairs32: panels of 32 columns of bf16 in pairs of neighbours along the width:
/// [E][panels][ceil(width / 2)][32][2], zeros beyond the last column and the width.
enum class WeightLayout : std::uint8_t {
  rows,            ///< As in checkpoints: dense and row-major.
  panels8,         ///< Panels of 8 columns: vectors of 4 floats.
  panels16,        ///< Panels of 16 columns: vectors of 8 floats.
  panels32,        ///< Panels of 32 columns: vectors of 16 floats.
  pair_tiles,      ///< Panels of 32 columns in tiles of pairs: AMX.
  pairs32,         ///< Panels of 32 columns of pairs: AVX512_BF16.
  swizzled_tiles,  ///< Tiles of 256 rows by 64 elements of 16 bits (switchyard/swizzled_tiles.hpp).
};

}  // namespace switchyard
