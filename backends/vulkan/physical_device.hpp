// SPDX-License-Identifier: Apache-2.0
// The devices of this machine that the backend can use.
#pragma once

#include <string>
#include <vector>

#include "backends/vulkan/cache_file.hpp"
#include "backends/vulkan/float_controls.hpp"
#include "backends/vulkan/instance.hpp"
#include "backends/vulkan/products.hpp"
#include "switchyard/backend.hpp"

namespace switchyard::vulkan {

/// Of a workgroup: what every device has.
inline constexpr std::size_t kMinSharedBytes = 16 * 1024;

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
  std::size_t shared_bytes = 0;           // of a workgroup
  MatrixSupport matrices;
  FloatControls float_controls;
  CacheOwner cache_owner;
  bool is_cpu = false;  // a software device

  [[nodiscard]] ProductDevice product_device() const noexcept {
    return {info.wave_size, shared_bytes, matrices};
  }
};

struct PhysicalDevices {
  std::vector<PhysicalDevice> usable;
  std::string reason;  ///< Why `usable` is empty; empty otherwise.
};

[[nodiscard]] PhysicalDevices find_devices(const Instance& instance);

}  // namespace switchyard::vulkan
