// SPDX-License-Identifier: Apache-2.0
#include "backends/vulkan/command_pool.hpp"

#include <utility>

#include "backends/vulkan/check.hpp"

namespace switchyard::vulkan {

CommandPool::CommandPool(std::shared_ptr<Device> device, std::uint32_t count)
    : device_(std::move(device)), buffers_(count, VK_NULL_HANDLE) {
  auto info = structure<VkCommandPoolCreateInfo>(VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO);
  info.flags = VK_COMMAND_POOL_CREATE_RESET_COMMAND_BUFFER_BIT;
  info.queueFamilyIndex = device_->physical().queue_family;
  check(device_->api().CreateCommandPool(device_->handle(), &info, nullptr, &handle_),
        "vkCreateCommandPool");
  auto buffers =
      structure<VkCommandBufferAllocateInfo>(VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO);
  buffers.commandPool = handle_;
  buffers.level = VK_COMMAND_BUFFER_LEVEL_PRIMARY;
  buffers.commandBufferCount = count;
  const VkResult result =
      device_->api().AllocateCommandBuffers(device_->handle(), &buffers, buffers_.data());
  if (result == VK_SUCCESS) return;
  device_->api().DestroyCommandPool(device_->handle(), handle_, nullptr);
  fail(result, "vkAllocateCommandBuffers");
}

CommandPool::~CommandPool() {
  device_->api().DestroyCommandPool(device_->handle(), handle_, nullptr);
}

void CommandPool::begin(std::size_t i, VkCommandBufferUsageFlags usage) {
  auto info = structure<VkCommandBufferBeginInfo>(VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO);
  info.flags = usage;
  check(device_->api().BeginCommandBuffer(buffers_[i], &info), "vkBeginCommandBuffer");
}

void CommandPool::end(std::size_t i) {
  check(device_->api().EndCommandBuffer(buffers_[i]), "vkEndCommandBuffer");
}

}  // namespace switchyard::vulkan
