// SPDX-License-Identifier: Apache-2.0
#include "backends/simt/engine.hpp"

#include <exception>
#include <span>
#include <string>
#include <utility>

#include "switchyard/error.hpp"

namespace switchyard::simt {
namespace {

[[noreturn]] void fail(std::string_view body, const BlockLaunch& launch, const std::string& what) {
  throw Error(ErrorCode::device_failure, std::string(body) + ": " + what + " (wave " +
                                             std::to_string(launch.wave_size) + ", seed " +
                                             std::to_string(launch.seed) + ")");
}

void check(std::string_view body, const BlockLaunch& launch) {
  const auto& [blocks, threads, bytes] = launch.shape;
  const std::string wave = std::to_string(launch.wave_size);
  if (blocks < 0 || blocks > kernels::simt::kMaxBlocks)
    fail(body, launch,
         "the launch asks for " + std::to_string(blocks) + " blocks, must be in [0, " +
             std::to_string(kernels::simt::kMaxBlocks) + "]");
  if (threads < launch.wave_size || threads > kMaxThreads || threads % launch.wave_size != 0)
    fail(body, launch,
         "the launch asks for " + std::to_string(threads) + " threads, must be a multiple of " +
             wave + " in [" + wave + ", " + std::to_string(kMaxThreads) + "]");
  if (bytes > kMaxSharedBytes)
    fail(body, launch,
         "the launch asks for " + std::to_string(bytes) +
             " bytes of shared memory, must be at most " + std::to_string(kMaxSharedBytes));
}

}  // namespace

/// A block's stacks, taken from the engine's stock and given back.
class Engine::Lease {
 public:
  explicit Lease(Engine& engine) : engine_(engine) {
    const std::scoped_lock lock(engine.mutex_);
    if (engine.idle_.empty()) {
      engine.idle_.reserve(engine.num_blocks_ + 1);  // giving back does not allocate
      block_ = std::make_unique<Block>();
      ++engine.num_blocks_;
    } else {
      block_ = std::move(engine.idle_.back());
      engine.idle_.pop_back();
    }
  }
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;
  ~Lease() {
    const std::scoped_lock lock(engine_.mutex_);
    engine_.idle_.push_back(std::move(block_));
  }
  [[nodiscard]] Block& block() noexcept { return *block_; }

 private:
  Engine& engine_;
  std::unique_ptr<Block> block_;
};

/// A launch being run, and the first thing that went wrong in it.
struct Engine::Run {
  Engine& engine;
  const BlockLaunch& launch;
  std::string_view body;
  std::mutex mutex;
  std::exception_ptr failure;  // guarded

  void blocks(std::int64_t first, std::int64_t last) noexcept {
    try {
      Lease lease(engine);
      for (std::int64_t i = first; i < last; ++i) {
        const Fault fault = lease.block().run(launch, i);
        if (fault.what != nullptr) fail(body, launch, fault.text(i));
      }
    } catch (...) {
      const std::scoped_lock lock(mutex);
      if (failure == nullptr) failure = std::current_exception();
    }
  }
};

void Engine::run(host::ThreadPool& pool, const BlockLaunch& launch, std::string_view body) {
  check(body, launch);
  Run run{*this, launch, body, {}, {}};
  pool.run({[](const void* state, std::int64_t first, std::int64_t last,
               std::span<std::byte> /*scratch*/) {
              static_cast<Run*>(const_cast<void*>(state))->blocks(first, last);
            },
            &run, launch.shape.num_blocks},
           0, {});
  if (run.failure != nullptr) std::rethrow_exception(run.failure);
}

}  // namespace switchyard::simt
