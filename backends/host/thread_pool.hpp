// SPDX-License-Identifier: Apache-2.0
// The threads that run a stage.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>
#include <vector>

#include "switchyard/export.hpp"

namespace switchyard::host {

/// Independent tasks [0, num_tasks) over one parameter block.
struct Job {
  void (*run)(const void* params, std::int64_t first, std::int64_t last) = nullptr;
  const void* params = nullptr;
  std::int64_t num_tasks = 0;
};

/// Runs jobs on a fixed set of threads. Tasks are handed out in pieces from one counter, so who
/// runs a task varies; what it computes does not.
class SWITCHYARD_API ThreadPool {
 public:
  /// `num_threads` counts the caller of run(): num_threads - 1 are started. Throws
  /// Error{device_failure} where the system has no thread left.
  explicit ThreadPool(int num_threads);
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;
  ~ThreadPool();

  [[nodiscard]] int num_threads() const noexcept { return static_cast<int>(workers_.size()) + 1; }

  /// Runs all tasks and returns. Uses at most max_threads threads (0: all). Where the pool is busy
  /// with another caller's job, the caller runs its own alone.
  void run(const Job& job, int max_threads) noexcept;

 private:
  void work(int index);
  void run_pieces() noexcept;
  void stop() noexcept;

  std::mutex turn_;  // held by the caller whose job the pool runs

  std::mutex mutex_;  // guards all below but next_task_
  std::condition_variable job_posted_;
  std::condition_variable job_done_;
  Job job_;
  std::uint64_t job_number_ = 0;
  int participants_ = 0;  // workers that take part in the job
  int unfinished_ = 0;    // of them, those still running
  bool stopping_ = false;

  std::int64_t piece_ = 1;
  std::atomic<std::int64_t> next_task_ = 0;
  std::vector<std::thread> workers_;
};

}  // namespace switchyard::host
