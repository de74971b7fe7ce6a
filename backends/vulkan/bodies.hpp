// SPDX-License-Identifier: Apache-2.0
// Which bodies a backend was asked to run.
#pragma once

#include "switchyard/backends/vulkan.hpp"

namespace switchyard::vulkan {

/// `asked`, or what the environment says where that leaves the choice. Throws
/// Error{invalid_argument} where the environment names none.
[[nodiscard]] VulkanBodies choose_bodies(VulkanBodies asked);

}  // namespace switchyard::vulkan
