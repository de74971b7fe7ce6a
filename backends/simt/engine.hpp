// SPDX-License-Identifier: Apache-2.0
// Runs launches: blocks are the tasks of the host's thread pool.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string_view>
#include <vector>

#include "backends/host/worker.hpp"
#include "backends/simt/block.hpp"

namespace switchyard::simt {

/// Used by any number of threads at once.
class Engine {
 public:
  explicit Engine(std::uint32_t seed) : seed_(seed) {}

  [[nodiscard]] std::uint32_t seed() const noexcept { return seed_; }

  /// Runs all blocks and returns. Throws Error{device_failure} naming `body` and the first fault,
  /// or what the launch asks for too much of.
  void run(host::ThreadPool& pool, const BlockLaunch& launch, std::string_view body);

 private:
  class Lease;
  struct Run;

  std::uint32_t seed_;
  std::mutex mutex_;                          // guards what follows
  std::vector<std::unique_ptr<Block>> idle_;  // stacks are kept from launch to launch
  std::size_t num_blocks_ = 0;                // idle or at work
};

}  // namespace switchyard::simt
