// SPDX-License-Identifier: Apache-2.0
// Command buffers of Vulkan's and the pool that owns them.
#pragma once

#include <memory>
#include <vector>

#include "backends/vulkan/device.hpp"

namespace switchyard::vulkan {

/// A number of command buffers. Used by one thread at a time.
class CommandPool {
 public:
  CommandPool(std::shared_ptr<Device> device, std::uint32_t count);
  CommandPool(const CommandPool&) = delete;
  CommandPool& operator=(const CommandPool&) = delete;
  ~CommandPool();

  [[nodiscard]] VkCommandBuffer at(std::size_t i) const noexcept { return buffers_[i]; }
  /// Begins to record, dropping what was recorded before.
  void begin(std::size_t i, VkCommandBufferUsageFlags usage);
  void end(std::size_t i);

 private:
  std::shared_ptr<Device> device_;
  VkCommandPool handle_ = VK_NULL_HANDLE;
  std::vector<VkCommandBuffer> buffers_;
};

}  // namespace switchyard::vulkan
