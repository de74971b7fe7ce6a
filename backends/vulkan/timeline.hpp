// SPDX-License-Identifier: Apache-2.0
// How far a stream has come: a timeline semaphore, and the lock of the stream's batches.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>

#include "backends/vulkan/device.hpp"

namespace switchyard::vulkan {

class StreamState;

/// Any thread may call any member.
class Timeline {
 public:
  /// Of `stream`, until detach.
  Timeline(std::shared_ptr<Device> device, StreamState& stream);
  Timeline(const Timeline&) = delete;
  Timeline& operator=(const Timeline&) = delete;
  ~Timeline();

  [[nodiscard]] VkSemaphore handle() const noexcept { return handle_; }
  /// Whether the stream has passed its batch number `value`.
  [[nodiscard]] bool has_passed(std::uint64_t value) const;
  void wait_for(std::uint64_t value) const;

  /// Guards what the stream has open. No thread holds the locks of two streams.
  [[nodiscard]] std::unique_lock<std::mutex> lock() const { return std::unique_lock(mutex_); }
  /// Has the stream submit its batch number `value` where that is still open. Takes the lock.
  void submit_up_to(std::uint64_t value) const;
  /// The stream has submitted all and goes. Called with the lock.
  void detach() const noexcept { stream_ = nullptr; }

 private:
  mutable std::mutex mutex_;
  mutable StreamState* stream_;  // guarded by mutex_; null: gone
  std::shared_ptr<Device> device_;
  VkSemaphore handle_ = VK_NULL_HANDLE;
};

/// A batch of a stream.
struct TimelinePoint {
  std::shared_ptr<const Timeline> timeline;  // null: none
  std::uint64_t value = 0;
};

}  // namespace switchyard::vulkan
