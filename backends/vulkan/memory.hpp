// SPDX-License-Identifier: Apache-2.0
// A buffer of Vulkan's with memory of its own.
#pragma once

#include "backends/vulkan/physical_device.hpp"

namespace switchyard::vulkan {

class LogicalDevice;

/// Where memory lies.
enum class MemoryKind {
  device,   ///< Fast for the device; has a device address.
  staging,  ///< Mapped, coherent, cached where possible; source and destination of copies.
};

class Memory {
 public:
  /// Throws Error{out_of_memory}.
  Memory(const LogicalDevice& device, const PhysicalDevice& physical, MemoryKind kind,
         VkDeviceSize bytes);
  Memory(Memory&& other) noexcept;
  Memory& operator=(Memory&&) = delete;
  ~Memory();

  [[nodiscard]] VkBuffer buffer() const noexcept { return buffer_; }
  [[nodiscard]] VkDeviceSize size() const noexcept { return size_; }
  [[nodiscard]] VkDeviceAddress address() const noexcept { return address_; }  // device
  [[nodiscard]] void* mapped() const noexcept { return mapped_; }              // staging

 private:
  void create(const PhysicalDevice& physical, MemoryKind kind);
  void destroy() noexcept;

  const LogicalDevice* device_;
  VkDeviceSize size_;
  VkBuffer buffer_ = VK_NULL_HANDLE;
  VkDeviceMemory memory_ = VK_NULL_HANDLE;
  VkDeviceAddress address_ = 0;
  void* mapped_ = nullptr;
};

}  // namespace switchyard::vulkan
