// SPDX-License-Identifier: Apache-2.0
// The state behind an Event.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>

namespace switchyard::host {

/// Counts how often the event was recorded and how many of those its streams have passed.
class EventState {
 public:
  using Clock = std::chrono::steady_clock;

  /// Enqueues a record; returns its number.
  std::uint64_t begin_record() {
    const std::scoped_lock lock(mutex_);
    return ++recorded_;
  }

  /// The number of the latest record, 0 if there is none.
  [[nodiscard]] std::uint64_t latest() const {
    const std::scoped_lock lock(mutex_);
    return recorded_;
  }

  /// A stream has passed record `number`.
  void pass(std::uint64_t number) {
    {
      const std::scoped_lock lock(mutex_);
      if (number > passed_) passed_ = number;
      time_ = Clock::now();
    }
    has_passed_.notify_all();
  }

  void wait_for(std::uint64_t number) const {
    std::unique_lock lock(mutex_);
    has_passed_.wait(lock, [&] { return passed_ >= number; });
  }

  /// When the latest record was passed. False: never recorded, or not passed yet.
  [[nodiscard]] bool time_of_pass(Clock::time_point& time) const {
    const std::scoped_lock lock(mutex_);
    time = time_;
    return recorded_ > 0 && passed_ == recorded_;
  }

 private:
  mutable std::mutex mutex_;
  mutable std::condition_variable has_passed_;
  std::uint64_t recorded_ = 0;
  std::uint64_t passed_ = 0;
  Clock::time_point time_;
};

}  // namespace switchyard::host
