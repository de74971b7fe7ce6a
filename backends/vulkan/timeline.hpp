// SPDX-License-Identifier: Apache-2.0
// How far a stream has come: a timeline semaphore.
#pragma once

#include <cstdint>
#include <memory>

#include "backends/vulkan/device.hpp"

namespace switchyard::vulkan {

/// Any thread may call any member.
class Timeline {
 public:
  explicit Timeline(std::shared_ptr<Device> device);
  Timeline(const Timeline&) = delete;
  Timeline& operator=(const Timeline&) = delete;
  ~Timeline();

  [[nodiscard]] VkSemaphore handle() const noexcept { return handle_; }
  /// Whether the stream has passed its batch number `value`.
  [[nodiscard]] bool has_passed(std::uint64_t value) const;
  void wait_for(std::uint64_t value) const;

 private:
  std::shared_ptr<Device> device_;
  VkSemaphore handle_ = VK_NULL_HANDLE;
};

/// A batch of a stream.
struct TimelinePoint {
  std::shared_ptr<const Timeline> timeline;  // null: none
  std::uint64_t value = 0;
};

}  // namespace switchyard::vulkan
