// SPDX-License-Identifier: Apache-2.0
// Expert matrices from a checkpoint's rows to WeightLayout::swizzled_tiles: the launch.
#pragma once

#include <cstdint>

#include "switchyard/dtype.hpp"
#include "switchyard/swizzled_tiles.hpp"

namespace switchyard::kernels::sm90 {

/// A run of row tiles of one expert's matrix, whose source rows lie staged on the device.
struct RepackParams {
  void* to;          // the run's first tile
  const void* from;  // the run's gate rows, then its up rows; without a gate its rows. Dense.
  SwizzledTiles tiles;
  std::int64_t num_tiles;     // row tiles of the run
  std::int64_t num_features;  // of the run that exist
  DType from_dtype;
  DType to_dtype;
};

/// Chunks of a run: work for one thread each.
[[nodiscard]] constexpr std::int64_t num_chunks(const RepackParams& params) noexcept {
  return params.num_tiles * params.tiles.width_tiles() * SwizzledTiles::kRows *
         SwizzledTiles::kChunks;
}

inline constexpr unsigned kRepackThreads = 256;

/// The grid strides over what more there is.
[[nodiscard]] constexpr unsigned num_blocks(const RepackParams& params) noexcept {
  constexpr std::int64_t kMost = 1 << 16;
  const std::int64_t blocks = (num_chunks(params) + kRepackThreads - 1) / kRepackThreads;
  return static_cast<unsigned>(blocks < kMost ? blocks : kMost);
}

}  // namespace switchyard::kernels::sm90
