// SPDX-License-Identifier: Apache-2.0
#include "backends/vulkan/timeline.hpp"

#include <limits>
#include <utility>

#include "backends/vulkan/check.hpp"
#include "backends/vulkan/stream.hpp"

namespace switchyard::vulkan {

Timeline::Timeline(std::shared_ptr<Device> device, StreamState& stream)
    : stream_(&stream), device_(std::move(device)) {
  auto type = structure<VkSemaphoreTypeCreateInfo>(VK_STRUCTURE_TYPE_SEMAPHORE_TYPE_CREATE_INFO);
  type.semaphoreType = VK_SEMAPHORE_TYPE_TIMELINE;
  auto info = structure<VkSemaphoreCreateInfo>(VK_STRUCTURE_TYPE_SEMAPHORE_CREATE_INFO);
  info.pNext = &type;
  check(device_->api().CreateSemaphore(device_->handle(), &info, nullptr, &handle_),
        "vkCreateSemaphore");
}

Timeline::~Timeline() {
  device_->api().DestroySemaphore(device_->handle(), handle_, nullptr);
}

void Timeline::submit_up_to(std::uint64_t value) const {
  const auto own = lock();
  if (stream_ != nullptr) stream_->submit_up_to(value);
}

bool Timeline::has_passed(std::uint64_t value) const {
  std::uint64_t passed = 0;
  check(device_->api().GetSemaphoreCounterValue(device_->handle(), handle_, &passed),
        "vkGetSemaphoreCounterValue");
  return passed >= value;
}

void Timeline::wait_for(std::uint64_t value) const {
  auto info = structure<VkSemaphoreWaitInfo>(VK_STRUCTURE_TYPE_SEMAPHORE_WAIT_INFO);
  info.semaphoreCount = 1;
  info.pSemaphores = &handle_;
  info.pValues = &value;
  check(device_->api().WaitSemaphores(device_->handle(), &info,
                                      std::numeric_limits<std::uint64_t>::max()),
        "vkWaitSemaphores");
}

}  // namespace switchyard::vulkan
