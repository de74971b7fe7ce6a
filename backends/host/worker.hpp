// SPDX-License-Identifier: Apache-2.0
// What the operations of a stream run with.
#pragma once

#include "backends/host/scratch.hpp"
#include "backends/host/thread_pool.hpp"

namespace switchyard::host {

/// A stream's thread: its own memory, and the pool that helps it.
struct Worker {
  ThreadPool& pool;
  Scratch scratch;

  void run(const Job& job, int max_threads) const noexcept {
    pool.run(job, max_threads, scratch.span());
  }
};

}  // namespace switchyard::host
