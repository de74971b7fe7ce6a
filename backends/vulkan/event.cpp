// SPDX-License-Identifier: Apache-2.0
#include "backends/vulkan/event.hpp"

#include <string>
#include <utility>

#include "backends/vulkan/check.hpp"
#include "switchyard/error.hpp"

namespace switchyard::vulkan {

EventState::EventState(std::shared_ptr<Device> device) : device_(std::move(device)) {
  auto info = structure<VkQueryPoolCreateInfo>(VK_STRUCTURE_TYPE_QUERY_POOL_CREATE_INFO);
  info.queryType = VK_QUERY_TYPE_TIMESTAMP;
  info.queryCount = 1;
  check(device_->api().CreateQueryPool(device_->handle(), &info, nullptr, &query_),
        "vkCreateQueryPool");
}

EventState::~EventState() {
  device_->api().DestroyQueryPool(device_->handle(), query_, nullptr);
}

TimelinePoint EventState::latest() const {
  const std::scoped_lock lock(mutex_);
  return latest_;
}

void EventState::set_latest(TimelinePoint point) {
  const std::scoped_lock lock(mutex_);
  std::swap(latest_, point);  // what was there is destroyed outside the lock
}

void EventState::forget(const Timeline& timeline, std::uint64_t value) {
  const std::scoped_lock lock(mutex_);
  if (latest_.timeline.get() == &timeline && latest_.value == value) latest_ = {};
}

std::uint64_t EventState::ticks(std::string_view name) const {
  const TimelinePoint point = latest();
  std::uint64_t ticks = 0;
  if (point.timeline != nullptr && point.timeline->has_passed(point.value)) {
    const VkResult result =
        device_->api().GetQueryPoolResults(device_->handle(), query_, 0, 1, sizeof ticks, &ticks,
                                           sizeof ticks, VK_QUERY_RESULT_64_BIT);
    if (result == VK_SUCCESS) return ticks;
    if (result != VK_NOT_READY) fail(result, "vkGetQueryPoolResults");
  }
  throw Error(ErrorCode::invalid_argument,
              std::string(name) + " has not passed, must be recorded and passed");
}

double elapsed_us(const Device& device, const EventState& start, const EventState& stop) {
  const unsigned unused_bits = 64 - device.physical().timestamp_bits;
  const std::uint64_t from = start.ticks("start");
  const std::uint64_t to = stop.ticks("stop");
  // The clock wraps; the shift makes the difference of its bits a signed number.
  const auto ticks = static_cast<std::int64_t>((to - from) << unused_bits) >> unused_bits;
  return static_cast<double>(ticks) * device.physical().timestamp_ns / 1000.0;
}

}  // namespace switchyard::vulkan
