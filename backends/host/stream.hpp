// SPDX-License-Identifier: Apache-2.0
// The state behind a Stream: a bounded ordered queue and the thread that empties it.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <limits>
#include <mutex>
#include <string_view>
#include <thread>
#include <vector>

#include "backends/host/command.hpp"

namespace switchyard::host {

class StreamState {
 public:
  /// Throws Error{device_failure} where the system has no thread left, Error{out_of_memory}.
  explicit StreamState(ThreadPool& pool);
  StreamState(const StreamState&) = delete;
  StreamState& operator=(const StreamState&) = delete;
  ~StreamState();

  /// Queues the command, or records it while capturing. Waits while the queue is full. Queueing
  /// does not allocate.
  void push(const Command& command);

  /// Returns when the queue has run empty. Throws what the first failed command threw; the commands
  /// behind it were skipped, but events were still passed.
  void synchronize();

  /// Throws Error{not_capturable} naming `operation` while capturing.
  void refuse_while_capturing(std::string_view operation) const;

  [[nodiscard]] bool is_capturing() const noexcept { return capturing_; }
  void begin_capture();
  [[nodiscard]] std::vector<Command> end_capture() noexcept;

 private:
  static constexpr std::size_t kCapacity = 1024;
  static constexpr std::uint64_t kNone = std::numeric_limits<std::uint64_t>::max();

  void enqueue(const Command& command);
  void wake_worker();
  void wait_for_popped(std::uint64_t count);
  void wait_for_pushed(std::uint64_t count);
  std::exception_ptr run(const Command& command, bool failed) noexcept;
  void work();

  // The thread that uses the stream.
  bool capturing_ = false;
  std::vector<Command> captured_;

  // One thread pushes, the worker pops: a slot belongs to the one until it is pushed, to the other
  // until it is popped. Nobody locks where nobody sleeps.
  std::vector<Command> ring_;
  std::atomic<std::uint64_t> num_pushed_ = 0;
  std::atomic<std::uint64_t> num_popped_ = 0;
  std::exception_ptr failure_;  // the worker's, but while the queue is empty
  std::atomic<bool> stopping_ = false;

  std::mutex mutex_;  // of the two conditions
  std::condition_variable pushed_;
  std::condition_variable popped_;
  std::atomic<bool> worker_sleeps_ = false;
  /// How many popped commands the sleeping caller waits for: the worker wakes nobody before. A
  /// thread that wakes in between takes a core from those who multiply.
  std::atomic<std::uint64_t> awaited_ = kNone;

  Worker self_;
  const bool spins_;
  std::thread worker_;
};

}  // namespace switchyard::host
