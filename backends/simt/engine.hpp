// SPDX-License-Identifier: Apache-2.0
// Runs launches: blocks are the tasks of the host's thread pool.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string_view>
#include <vector>

#include "backends/host/thread_pool.hpp"
#include "backends/simt/block.hpp"

namespace switchyard::simt {

class Engine {
 public:
  explicit Engine(std::uint32_t seed) : seed_(seed) {}

  [[nodiscard]] std::uint32_t seed() const noexcept { return seed_; }

  /// Runs all blocks. Throws Error{device_failure} naming `body` and the first fault.
  void run(host::ThreadPool& pool, const BlockLaunch& launch, std::string_view body);

 private:
  class Lease;

  std::uint32_t seed_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Block>> idle_;  // guarded; stacks are kept from launch to launch
};

}  // namespace switchyard::simt
