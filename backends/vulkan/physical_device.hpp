// SPDX-License-Identifier: Apache-2.0
// The devices of this machine that the backend can use.
#pragma once

#include <string>
#include <vector>

#include "backends/vulkan/instance.hpp"
#include "switchyard/backend.hpp"

namespace switchyard::vulkan {

/// A device and what the backend has to know of it.
struct PhysicalDevice {
  VkPhysicalDevice handle = VK_NULL_HANDLE;
  DeviceInfo info;
  VkPhysicalDeviceMemoryProperties memory{};
  std::uint32_t queue_family = 0;
  std::uint32_t timestamp_bits = 0;
  double timestamp_ns = 0.0;
  std::uint32_t max_blocks = 0;           // of a launch
  VkDeviceSize max_allocation_bytes = 0;  // of one piece of memory
  bool wave_size_varies = false;          // a pipeline has to ask for info.wave_size
};

struct PhysicalDevices {
  std::vector<PhysicalDevice> usable;
  std::string reason;  ///< Why `usable` is empty; empty otherwise.
};

[[nodiscard]] PhysicalDevices find_devices(const Instance& instance);

}  // namespace switchyard::vulkan
