// SPDX-License-Identifier: Apache-2.0
// The threads that run a stage.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <span>
#include <thread>
#include <vector>

#include "backends/host/scratch.hpp"
#include "switchyard/backends/host.hpp"
#include "switchyard/export.hpp"

namespace switchyard::host {

/// Independent tasks [0, num_tasks) over one parameter block. `scratch` is the running thread's.
struct Job {
  void (*run)(const void* params, std::int64_t first, std::int64_t last,
              std::span<std::byte> scratch) = nullptr;
  const void* params = nullptr;
  std::int64_t num_tasks = 0;
  std::int64_t piece = 0;  ///< Tasks that are handed out at once; 0: by their number.
};

/// Runs jobs on a fixed set of threads: its own, or a caller's executor. Tasks are handed out in
/// pieces from one counter, so who runs a task varies; what it computes does not.
///
/// A job is opened, and threads join it while it is open. Its caller takes part, closes it when the
/// counter has run out and waits for those who joined: a thread that the system has not scheduled
/// by then is not waited for. Who waits spins for some 20 us before it blocks.
class SWITCHYARD_API ThreadPool {
 public:
  /// `num_threads` counts the caller of run(): num_threads - 1 are started, or none where an
  /// executor is given. Throws Error{device_failure} where the system has no thread left,
  /// Error{out_of_memory}.
  explicit ThreadPool(int num_threads, HostExecutor* executor = nullptr);
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;
  ~ThreadPool();

  [[nodiscard]] int num_threads() const noexcept { return num_threads_; }

  /// Runs all tasks and returns. Uses at most max_threads threads (0: all). Where the pool is busy
  /// with another caller's job, the caller runs its own alone. `scratch` is the caller's.
  void run(const Job& job, int max_threads, std::span<std::byte> scratch) noexcept;

 private:
  void work(int index);
  void run_on_executor(int threads) noexcept;
  void run_pieces(std::span<std::byte> scratch) noexcept;
  bool join() noexcept;
  void leave() noexcept;
  void open(const Job& job, int threads) noexcept;
  void close() noexcept;
  std::uint64_t wait_for_job(std::uint64_t seen);
  void stop() noexcept;

  const int num_threads_;
  HostExecutor* const executor_;
  const bool spins_;
  std::vector<Scratch> scratch_;  // of every thread but the caller's; of all for an executor

  std::mutex turn_;  // held by the caller whose job the pool runs

  // The open job: written while nobody is in, read by those who have joined.
  Job job_;
  std::int64_t piece_ = 1;
  int participants_ = 0;
  std::atomic<std::int64_t> next_task_ = 0;

  std::atomic<std::int64_t> members_;  // threads inside; kClosed is added while nobody may join
  std::atomic<std::uint64_t> job_number_ = 0;
  std::atomic<int> sleepers_ = 0;            // workers that block
  std::atomic<bool> caller_sleeps_ = false;  // the caller blocks until the last member leaves
  std::atomic<bool> stopping_ = false;

  std::mutex mutex_;  // of the two conditions
  std::condition_variable job_posted_;
  std::condition_variable job_done_;
  std::vector<std::thread> workers_;
};

}  // namespace switchyard::host
