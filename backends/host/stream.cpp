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
  stopping_.store(true, std::memory_order_seq_cst);
  wake_worker();
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
  const std::uint64_t number = num_pushed_.load(std::memory_order_relaxed);
  wait_for_popped(number < kCapacity ? 0 : number - kCapacity + 1);
  Command& slot = ring_[number % kCapacity];
  slot = command;
  if (slot.event_use == Command::EventUse::record) slot.event_number = slot.event->begin_record();
  if (slot.event_use == Command::EventUse::wait) slot.event_number = slot.event->latest();
  num_pushed_.store(number + 1, std::memory_order_seq_cst);
  wake_worker();
}

void StreamState::wake_worker() {
  if (!worker_sleeps_.load(std::memory_order_seq_cst)) return;
  { const std::scoped_lock lock(mutex_); }  // it is waiting now, not about to
  pushed_.notify_one();
}

void StreamState::wait_for_popped(std::uint64_t count) {
  const auto popped = [this, count] {
    return num_popped_.load(std::memory_order_seq_cst) >= count;
  };
  if (popped()) return;
  std::unique_lock lock(mutex_);
  awaited_.store(count, std::memory_order_seq_cst);
  popped_.wait(lock, popped);
  awaited_.store(kNone, std::memory_order_relaxed);
}

void StreamState::wait_for_pushed(std::uint64_t count) {
  const auto pushed = [this, count] {
    return stopping_.load(std::memory_order_seq_cst) ||
           num_pushed_.load(std::memory_order_seq_cst) >= count;
  };
  if (spins_ ? spin_until(pushed) : pushed()) return;
  std::unique_lock lock(mutex_);
  worker_sleeps_.store(true, std::memory_order_seq_cst);
  pushed_.wait(lock, pushed);
  worker_sleeps_.store(false, std::memory_order_relaxed);
}

void StreamState::work() {
  for (std::uint64_t number = 0;; ++number) {
    wait_for_pushed(number + 1);
    if (num_pushed_.load(std::memory_order_acquire) == number) return;  // stopping
    Command& command = ring_[number % kCapacity];
    const bool failed = failure_ != nullptr;
    std::exception_ptr failure = run(command, failed);
    if (!failed) failure_ = std::move(failure);
    command.event.reset();
    num_popped_.store(number + 1, std::memory_order_seq_cst);
    if (number + 1 < awaited_.load(std::memory_order_seq_cst)) continue;
    { const std::scoped_lock lock(mutex_); }
    popped_.notify_one();
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
  wait_for_popped(num_pushed_.load(std::memory_order_relaxed));
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
