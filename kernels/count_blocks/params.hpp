// SPDX-License-Identifier: Apache-2.0
// How many blocks a matrix product needs follows from its rows. Where only the device knows how
// many there are, a launch in front of the product's counts them.
#pragma once

#include <algorithm>
#include <cstdint>

#include "kernels/param_block.hpp"
#include "switchyard/index.hpp"

namespace switchyard::kernels {

/// Three words, as Vulkan reads the blocks of a launch.
struct DispatchExtents {
  std::uint32_t blocks;
  std::uint32_t one[2];
};

struct CountBlocksParams {
  const PackedRow* expert_offsets;  // [num_experts + 1], or null: a product over tokens
  const std::int32_t* live_tokens;  // [1], or null: all rows
  DispatchExtents* extents;         // [1]
  std::int32_t max_rows;
  std::int32_t num_experts;
  std::int32_t block_size;   // of the plan whose blocks are tiled; 0: the experts' rows are
  std::int32_t tile_rows;    // of a row tile
  std::int32_t tile_items;   // items of a row tile, along the columns
  std::int32_t block_items;  // items of a block
  std::int32_t max_blocks;
};
static_assert(kIsParamBlock<CountBlocksParams>);

/// The most blocks that `rows` rows can need, whichever experts they are of; max_blocks or fewer.
[[nodiscard]] constexpr std::int32_t blocks_of_rows(const CountBlocksParams& params,
                                                    std::int64_t rows) noexcept {
  const auto ceil_div = [](std::int64_t value, std::int64_t divisor) {
    return (value + divisor - 1) / divisor;
  };
  const bool has_plan = params.expert_offsets != nullptr;
  const std::int64_t used = has_plan ? std::min<std::int64_t>(rows, params.num_experts) : 0;
  const std::int64_t tiles =
      has_plan && params.block_size > 0
          ? ceil_div(rows + used * (params.block_size - 1), params.block_size) *
                (params.block_size / params.tile_rows)
          : ceil_div(rows, params.tile_rows) + used;
  return static_cast<std::int32_t>(std::min<std::int64_t>(
      ceil_div(tiles * params.tile_items, params.block_items), params.max_blocks));
}

}  // namespace switchyard::kernels
