// SPDX-License-Identifier: Apache-2.0
// The state behind a Stream: a bounded ordered queue and the thread that empties it.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <exception>
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

  void enqueue(const Command& command);
  std::exception_ptr run(const Command& command, bool failed) noexcept;
  void work();
  void wait_for_command(std::unique_lock<std::mutex>& lock);

  // The thread that uses the stream.
  bool capturing_ = false;
  std::vector<Command> captured_;

  std::mutex mutex_;  // guards all below
  std::condition_variable pushed_;
  std::condition_variable popped_;
  std::vector<Command> ring_;
  std::uint64_t num_pushed_ = 0;
  std::uint64_t num_popped_ = 0;
  bool stopping_ = false;
  std::exception_ptr failure_;

  Worker self_;
  const bool spins_;
  std::atomic<bool> ready_ = false;  // a command was queued, or the end, since it was cleared
  std::thread worker_;
};

}  // namespace switchyard::host
