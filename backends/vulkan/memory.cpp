// SPDX-License-Identifier: Apache-2.0
#include "backends/vulkan/memory.hpp"

#include <array>
#include <string>
#include <utility>

#include "backends/vulkan/check.hpp"
#include "backends/vulkan/device.hpp"
#include "switchyard/error.hpp"

namespace switchyard::vulkan {
namespace {

/// The first type that a buffer allows and that has the flags of the first choice that any has.
[[nodiscard]] std::uint32_t choose_type(const VkPhysicalDeviceMemoryProperties& memory,
                                        std::uint32_t allowed, MemoryKind kind) {
  constexpr VkMemoryPropertyFlags kMapped =
      VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;
  const std::array<VkMemoryPropertyFlags, 2> choices =
      kind == MemoryKind::device
          ? std::array<VkMemoryPropertyFlags, 2>{VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT, 0}
          : std::array<VkMemoryPropertyFlags, 2>{kMapped | VK_MEMORY_PROPERTY_HOST_CACHED_BIT,
                                                 kMapped};
  for (const VkMemoryPropertyFlags flags : choices)
    for (std::uint32_t i = 0; i < memory.memoryTypeCount; ++i)
      if (((allowed >> i) & 1U) != 0 && (memory.memoryTypes[i].propertyFlags & flags) == flags)
        return i;
  throw Error(ErrorCode::device_failure, "the device has no memory of the kind that is needed");
}

}  // namespace

Memory::Memory(const LogicalDevice& device, const PhysicalDevice& physical, MemoryKind kind,
               VkDeviceSize bytes)
    : device_(&device), size_(bytes) {
  try {
    create(physical, kind);
  } catch (...) {
    destroy();
    throw;
  }
}

Memory::Memory(Memory&& other) noexcept
    : device_(other.device_),
      size_(other.size_),
      buffer_(std::exchange(other.buffer_, VK_NULL_HANDLE)),
      memory_(std::exchange(other.memory_, VK_NULL_HANDLE)),
      address_(other.address_),
      mapped_(other.mapped_) {}

Memory::~Memory() {
  destroy();
}

void Memory::create(const PhysicalDevice& physical, MemoryKind kind) {
  const DeviceApi& api = device_->api();
  const VkDevice handle = device_->handle();
  const bool has_address = kind == MemoryKind::device;
  auto info = structure<VkBufferCreateInfo>(VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO);
  info.size = size_;
  info.usage = VK_BUFFER_USAGE_TRANSFER_SRC_BIT | VK_BUFFER_USAGE_TRANSFER_DST_BIT;
  if (has_address)
    info.usage |= VK_BUFFER_USAGE_STORAGE_BUFFER_BIT | VK_BUFFER_USAGE_INDIRECT_BUFFER_BIT |
                  VK_BUFFER_USAGE_SHADER_DEVICE_ADDRESS_BIT;
  check(api.CreateBuffer(handle, &info, nullptr, &buffer_), "vkCreateBuffer");
  VkMemoryRequirements requirements{};
  api.GetBufferMemoryRequirements(handle, buffer_, &requirements);

  auto flags = structure<VkMemoryAllocateFlagsInfo>(VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_FLAGS_INFO);
  flags.flags = VK_MEMORY_ALLOCATE_DEVICE_ADDRESS_BIT;
  auto allocation = structure<VkMemoryAllocateInfo>(VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO);
  allocation.pNext = has_address ? &flags : nullptr;
  allocation.allocationSize = requirements.size;
  allocation.memoryTypeIndex = choose_type(physical.memory, requirements.memoryTypeBits, kind);
  if (const VkResult result = api.AllocateMemory(handle, &allocation, nullptr, &memory_);
      result != VK_SUCCESS)
    fail(result, "vkAllocateMemory", " of " + std::to_string(requirements.size) + " bytes");
  check(api.BindBufferMemory(handle, buffer_, memory_, 0), "vkBindBufferMemory");
  if (has_address) {
    auto query = structure<VkBufferDeviceAddressInfo>(VK_STRUCTURE_TYPE_BUFFER_DEVICE_ADDRESS_INFO);
    query.buffer = buffer_;
    address_ = api.GetBufferDeviceAddress(handle, &query);
  } else {
    check(api.MapMemory(handle, memory_, 0, VK_WHOLE_SIZE, 0, &mapped_), "vkMapMemory");
  }
}

void Memory::destroy() noexcept {
  if (buffer_ != VK_NULL_HANDLE) device_->api().DestroyBuffer(device_->handle(), buffer_, nullptr);
  if (memory_ != VK_NULL_HANDLE) device_->api().FreeMemory(device_->handle(), memory_, nullptr);
}

}  // namespace switchyard::vulkan
