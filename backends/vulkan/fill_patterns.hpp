// SPDX-License-Identifier: Apache-2.0
// Sources for fills of a few bytes: Vulkan's own fill writes whole words.
#pragma once

#include "backends/vulkan/arena.hpp"

namespace switchyard::vulkan {

/// Every byte value, four times each.
class FillPatterns {
 public:
  FillPatterns(const LogicalDevice& device, const PhysicalDevice& physical);

  /// Four bytes of `value`.
  [[nodiscard]] Arena::Place of(std::byte value) const noexcept {
    return {memory_.buffer(), 4 * std::to_integer<VkDeviceSize>(value)};
  }

 private:
  Memory memory_;
};

}  // namespace switchyard::vulkan
