// SPDX-License-Identifier: Apache-2.0
// The state behind an Event.
#pragma once

#include <memory>
#include <mutex>
#include <string_view>

#include "backends/vulkan/timeline.hpp"

namespace switchyard::vulkan {

/// Where the event was recorded last, and the device's clock there.
class EventState {
 public:
  explicit EventState(std::shared_ptr<Device> device);
  EventState(const EventState&) = delete;
  EventState& operator=(const EventState&) = delete;
  ~EventState();

  [[nodiscard]] VkQueryPool query() const noexcept { return query_; }

  [[nodiscard]] TimelinePoint latest() const;
  void set_latest(TimelinePoint point);
  /// Its latest recording was in a batch that was never submitted: as if it was never recorded.
  void forget(const Timeline& timeline, std::uint64_t value);

  /// Ticks of the device's clock. Throws Error{invalid_argument}, calling the event `name`, where
  /// it was not recorded or has not passed.
  [[nodiscard]] std::uint64_t ticks(std::string_view name) const;

 private:
  std::shared_ptr<Device> device_;
  VkQueryPool query_ = VK_NULL_HANDLE;
  mutable std::mutex mutex_;  // guards latest_
  TimelinePoint latest_;
};

/// Microseconds from one event to another.
[[nodiscard]] double elapsed_us(const Device& device, const EventState& start,
                                const EventState& stop);

}  // namespace switchyard::vulkan
