// SPDX-License-Identifier: Apache-2.0
// The launch of stage "route": pure functions of what the host knows.
#pragma once

#include <cstddef>
#include <cstdint>

#include "backends/vulkan/body_launch.hpp"
#include "kernels/route/params.hpp"

namespace switchyard::vulkan {

/// What of a device decides how routers run.
struct RouterDevice {
  int wave_size = 0;
  std::size_t shared_bytes = 0;  ///< That a workgroup may have.
};

[[nodiscard]] BodyLaunch route_launch(const kernels::RouteParams& params,
                                      const RouterDevice& device) noexcept;

}  // namespace switchyard::vulkan
