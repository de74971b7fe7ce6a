// SPDX-License-Identifier: Apache-2.0
#include "backends/host/stream.hpp"

#include <string>
#include <system_error>
#include <utility>

#include "backends/host/processor.hpp"
#include "backends/host/spin.hpp"
#include "switchyard/error.hpp"

namespace switchyard::host {

StreamState::StreamState(ThreadPool& pool)
    : ring_(kCapacity), self_{pool, {}}, spins_(num_cores() > 1) {
  try {
    worker_ = std::thread([this] { work(); });
  } catch (const std::system_error& error) {
    throw Error(ErrorCode::device_failure, std::string("cannot start a thread: ") + error.what());
  }
}

StreamState::~StreamState() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
    ready_.store(true, std::memory_order_relaxed);
  }
  pushed_.notify_one();
  worker_.join();
}

void StreamState::push(const Command& command) {
  if (capturing_) {
    captured_.push_back(command);
  } else {
    enqueue(command);
  }
}

void StreamState::enqueue(const Command& command) {
  {
    std::unique_lock lock(mutex_);
    popped_.wait(lock, [this] { return num_pushed_ - num_popped_ < kCapacity; });
    Command& slot = ring_[num_pushed_ % kCapacity];
    slot = command;
    if (slot.event_use == Command::EventUse::record) slot.event_number = slot.event->begin_record();
    if (slot.event_use == Command::EventUse::wait) slot.event_number = slot.event->latest();
    ++num_pushed_;
    ready_.store(true, std::memory_order_relaxed);
  }
  pushed_.notify_one();
}

/// Commands follow each other closely while a call is enqueued: a short wait needs no system call.
void StreamState::wait_for_command(std::unique_lock<std::mutex>& lock) {
  const auto has_work = [this] { return stopping_ || num_pushed_ != num_popped_; };
  if (has_work()) return;
  if (spins_) {
    ready_.store(false, std::memory_order_relaxed);
    lock.unlock();
    static_cast<void>(spin_until([this] { return ready_.load(std::memory_order_relaxed); }));
    lock.lock();
  }
  pushed_.wait(lock, has_work);
}

void StreamState::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    wait_for_command(lock);
    if (num_pushed_ == num_popped_) return;
    Command& command = ring_[num_popped_ % kCapacity];
    const bool failed = failure_ != nullptr;
    lock.unlock();
    std::exception_ptr failure = run(command, failed);
    lock.lock();
    if (!failed) failure_ = std::move(failure);
    command.event.reset();
    ++num_popped_;
    popped_.notify_all();
  }
}

std::exception_ptr StreamState::run(const Command& command, bool failed) noexcept {
  if (failed && command.event_use == Command::EventUse::none) return nullptr;
  try {
    command.run(command, self_);
  } catch (...) {
    return std::current_exception();
  }
  return nullptr;
}

void StreamState::synchronize() {
  refuse_while_capturing("synchronize");
  std::unique_lock lock(mutex_);
  popped_.wait(lock, [this] { return num_pushed_ == num_popped_; });
  if (failure_ != nullptr) std::rethrow_exception(std::exchange(failure_, nullptr));
}

void StreamState::refuse_while_capturing(std::string_view operation) const {
  if (capturing_)
    throw Error(ErrorCode::not_capturable,
                std::string(operation) + " waits for the device and cannot be captured");
}

void StreamState::begin_capture() {
  if (capturing_)
    throw Error(ErrorCode::invalid_argument,
                "stream is being captured, must not be captured again");
  captured_.clear();
  capturing_ = true;
}

std::vector<Command> StreamState::end_capture() noexcept {
  capturing_ = false;
  return std::exchange(captured_, {});
}

}  // namespace switchyard::host
