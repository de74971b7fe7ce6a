// SPDX-License-Identifier: Apache-2.0
#include "backends/host/thread_pool.hpp"

#include <algorithm>
#include <string>
#include <system_error>

#include "backends/host/processor.hpp"
#include "backends/host/spin.hpp"
#include "switchyard/error.hpp"

namespace switchyard::host {
namespace {

/// Pieces per thread: enough that experts of unequal load even out.
constexpr std::int64_t kPiecesPerThread = 8;

/// Far below any number of members.
constexpr std::int64_t kClosed = std::int64_t{-1} << 32;

}  // namespace

ThreadPool::ThreadPool(int num_threads, HostExecutor* executor)
    : num_threads_(num_threads),
      executor_(executor),
      spins_(num_threads <= num_cores()),
      scratch_(static_cast<std::size_t>(executor == nullptr ? num_threads - 1 : num_threads)),
      members_(kClosed) {
  if (executor != nullptr) return;
  try {
    for (int i = 0; i + 1 < num_threads; ++i) workers_.emplace_back([this, i] { work(i); });
  } catch (const std::system_error& error) {
    stop();
    throw Error(ErrorCode::device_failure, std::string("cannot start a thread: ") + error.what());
  }
}

ThreadPool::~ThreadPool() {
  stop();
}

void ThreadPool::stop() noexcept {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  job_posted_.notify_all();
  for (std::thread& worker : workers_) worker.join();
}

void ThreadPool::run(const Job& job, int max_threads, std::span<std::byte> scratch) noexcept {
  const int threads = max_threads > 0 ? std::min(max_threads, num_threads()) : num_threads();
  const std::unique_lock turn(turn_, std::try_to_lock);
  if (threads == 1 || job.num_tasks <= 1 || !turn.owns_lock()) {
    if (job.num_tasks > 0) job.run(job.params, 0, job.num_tasks, scratch);
    return;
  }
  open(job, threads);
  if (executor_ != nullptr) {
    run_on_executor(threads);
  } else {
    run_pieces(scratch);
  }
  close();
}

void ThreadPool::open(const Job& job, int threads) noexcept {
  job_ = job;
  const std::int64_t even = job.num_tasks / (threads * kPiecesPerThread);
  piece_ = job.piece > 0 ? job.piece : std::max<std::int64_t>(1, even);
  participants_ = threads - 1;
  next_task_.store(0, std::memory_order_relaxed);
  members_.store(0, std::memory_order_release);
  if (executor_ != nullptr) return;
  job_number_.fetch_add(1, std::memory_order_seq_cst);
  if (sleepers_.load(std::memory_order_seq_cst) == 0) return;
  { const std::scoped_lock lock(mutex_); }  // whoever counted as a sleeper is waiting now
  job_posted_.notify_all();
}

void ThreadPool::close() noexcept {
  members_.fetch_add(kClosed, std::memory_order_acq_rel);
  const auto empty = [this] { return members_.load(std::memory_order_seq_cst) == kClosed; };
  if (spins_ ? spin_until(empty) : empty()) return;
  std::unique_lock lock(mutex_);
  caller_sleeps_.store(true, std::memory_order_seq_cst);
  job_done_.wait(lock, empty);
  caller_sleeps_.store(false, std::memory_order_relaxed);
}

bool ThreadPool::join() noexcept {
  std::int64_t members = members_.load(std::memory_order_relaxed);
  while (members >= 0)
    if (members_.compare_exchange_weak(members, members + 1, std::memory_order_acq_rel))
      return true;
  return false;
}

void ThreadPool::leave() noexcept {
  if (members_.fetch_sub(1, std::memory_order_seq_cst) - 1 != kClosed) return;
  if (!caller_sleeps_.load(std::memory_order_seq_cst)) return;
  { const std::scoped_lock lock(mutex_); }
  job_done_.notify_one();
}

void ThreadPool::run_on_executor(int threads) noexcept {
  executor_->run(
      threads,
      [](void* pool, int index) {
        auto& self = *static_cast<ThreadPool*>(pool);
        self.run_pieces(self.scratch_[static_cast<std::size_t>(index)].span());
      },
      this);
}

void ThreadPool::run_pieces(std::span<std::byte> scratch) noexcept {
  for (;;) {
    const std::int64_t first = next_task_.fetch_add(piece_, std::memory_order_relaxed);
    if (first >= job_.num_tasks) return;
    job_.run(job_.params, first, std::min(first + piece_, job_.num_tasks), scratch);
  }
}

std::uint64_t ThreadPool::wait_for_job(std::uint64_t seen) {
  const auto posted = [&] {
    return stopping_.load(std::memory_order_relaxed) ||
           job_number_.load(std::memory_order_seq_cst) != seen;
  };
  if (!spins_ || !spin_until(posted)) {
    std::unique_lock lock(mutex_);
    sleepers_.fetch_add(1, std::memory_order_seq_cst);
    job_posted_.wait(lock, posted);
    sleepers_.fetch_sub(1, std::memory_order_relaxed);
  }
  return job_number_.load(std::memory_order_acquire);
}

void ThreadPool::work(int index) {
  const std::span<std::byte> scratch = scratch_[static_cast<std::size_t>(index)].span();
  std::uint64_t seen = 0;
  for (;;) {
    seen = wait_for_job(seen);
    if (stopping_.load(std::memory_order_relaxed)) return;
    if (!join()) continue;
    if (index < participants_) run_pieces(scratch);
    leave();
  }
}

}  // namespace switchyard::host
