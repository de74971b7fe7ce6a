// SPDX-License-Identifier: Apache-2.0
#include "backends/vulkan/bodies.hpp"

#include <array>
#include <cstdlib>
#include <string>

#include "switchyard/error.hpp"

namespace switchyard {

std::string_view name(VulkanBodies bodies) noexcept {
  switch (bodies) {
    case VulkanBodies::automatic:
      return "automatic";
    case VulkanBodies::tiled:
      return "tiled";
    case VulkanBodies::vector:
      return "vector";
    case VulkanBodies::matrix:
      return "matrix";
  }
  return "unknown";
}

namespace vulkan {

VulkanBodies choose_bodies(VulkanBodies asked) {
  constexpr std::array kAll{VulkanBodies::automatic, VulkanBodies::tiled, VulkanBodies::vector,
                            VulkanBodies::matrix};
  const char* const raw = std::getenv("SWITCHYARD_VULKAN_BODIES");
  const std::string_view text = raw == nullptr ? "" : raw;
  if (asked != VulkanBodies::automatic || text.empty()) return asked;
  for (const VulkanBodies bodies : kAll)
    if (text == name(bodies)) return bodies;
  throw Error(ErrorCode::invalid_argument, "environment variable SWITCHYARD_VULKAN_BODIES is '" +
                                               std::string(text) +
                                               "', must be automatic, tiled, vector or matrix");
}

}  // namespace vulkan
}  // namespace switchyard
