// SPDX-License-Identifier: Apache-2.0
// One launch of a body.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "kernels/count_blocks/params.hpp"
#include "kernels/simt.hpp"

namespace switchyard::vulkan {

/// One launch: the SPIR-V, its extents and what it is specialised to.
struct BodyLaunch {
  std::string_view body;
  kernels::simt::LaunchShape shape;
  /// Constant 3 of the body. Tiled: elements of the inner dimension that are staged at once; in
  /// strips: stages on their way.
  std::int32_t depth = 0;
  /// Where the device knows better how many blocks there are: its `extents` is to be filled in.
  std::optional<kernels::CountBlocksParams> count = std::nullopt;
};

/// The launch that counts the blocks of another.
[[nodiscard]] inline BodyLaunch count_blocks_launch(int wave_size) noexcept {
  return {"count_blocks", {1, wave_size, 0}};
}

}  // namespace switchyard::vulkan
