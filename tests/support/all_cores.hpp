// SPDX-License-Identifier: Apache-2.0
// Random cases on all cores.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <exception>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace switchyard::test {

/// Calls check(i) for every i in [0, count), on as many threads as there are cores; what it says is
/// wrong with the lowest i that it says something of, or nothing. An exception is something.
template <class Check>
std::string check_on_all_cores(std::int64_t count, const Check& check) {
  std::atomic<std::int64_t> next{0};
  std::mutex mutex;
  std::int64_t first = count;
  std::string found;
  const auto work = [&] {
    for (std::int64_t i = next++; i < count; i = next++) {
      std::string wrong;
      try {
        wrong = check(i);
      } catch (const std::exception& error) {
        wrong = error.what();
      }
      const std::lock_guard lock(mutex);
      if (wrong.empty() || i >= first) continue;
      first = i;
      found = "case " + std::to_string(i) + ": " + wrong;
    }
  };
  {
    std::vector<std::jthread> threads;
    for (unsigned i = 0; i < std::max(1U, std::thread::hardware_concurrency()); ++i)
      threads.emplace_back(work);
  }
  return found;
}

}  // namespace switchyard::test
