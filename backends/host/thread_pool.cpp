// SPDX-License-Identifier: Apache-2.0
#include "backends/host/thread_pool.hpp"

#include <algorithm>
#include <system_error>

#include "switchyard/error.hpp"

namespace switchyard::host {
namespace {

/// Pieces per thread: enough that experts of unequal load even out.
constexpr std::int64_t kPiecesPerThread = 8;

}  // namespace

ThreadPool::ThreadPool(int num_threads) {
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

void ThreadPool::run(const Job& job, int max_threads) noexcept {
  const int threads = max_threads > 0 ? std::min(max_threads, num_threads()) : num_threads();
  const std::unique_lock turn(turn_, std::try_to_lock);
  if (threads == 1 || job.num_tasks <= 1 || !turn.owns_lock()) {
    if (job.num_tasks > 0) job.run(job.params, 0, job.num_tasks);
    return;
  }
  {
    const std::scoped_lock lock(mutex_);
    job_ = job;
    piece_ = std::max<std::int64_t>(1, job.num_tasks / (threads * kPiecesPerThread));
    next_task_.store(0, std::memory_order_relaxed);
    participants_ = unfinished_ = threads - 1;
    ++job_number_;
  }
  job_posted_.notify_all();
  run_pieces();
  std::unique_lock lock(mutex_);
  job_done_.wait(lock, [this] { return unfinished_ == 0; });
}

void ThreadPool::run_pieces() noexcept {
  for (;;) {
    const std::int64_t first = next_task_.fetch_add(piece_, std::memory_order_relaxed);
    if (first >= job_.num_tasks) return;
    job_.run(job_.params, first, std::min(first + piece_, job_.num_tasks));
  }
}

void ThreadPool::work(int index) {
  std::uint64_t seen = 0;
  std::unique_lock lock(mutex_);
  for (;;) {
    job_posted_.wait(lock, [&] { return stopping_ || job_number_ != seen; });
    if (stopping_) return;
    seen = job_number_;
    if (index >= participants_) continue;
    lock.unlock();
    run_pieces();
    lock.lock();
    if (--unfinished_ == 0) job_done_.notify_one();
  }
}

}  // namespace switchyard::host
