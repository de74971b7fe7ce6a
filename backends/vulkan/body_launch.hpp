// SPDX-License-Identifier: Apache-2.0
// One launch of a body.
#pragma once

#include <cstdint>
#include <string_view>

#include "kernels/simt.hpp"

namespace switchyard::vulkan {

/// One launch: the SPIR-V, its extents and what it is specialised to.
struct BodyLaunch {
  std::string_view body;
  kernels::simt::LaunchShape shape;
  /// Constant 3 of the body. Tiled products: elements of the inner dimension that are staged.
  /// Routers that keep a row in registers: experts of a lane.
  std::int32_t extent = 0;
};

}  // namespace switchyard::vulkan
