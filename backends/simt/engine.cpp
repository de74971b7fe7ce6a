// SPDX-License-Identifier: Apache-2.0
#include "backends/simt/engine.hpp"

#include <string>
#include <utility>

#include "switchyard/error.hpp"

namespace switchyard::simt {

/// A block's stacks, taken from the engine's stock and given back.
class Engine::Lease {
 public:
  explicit Lease(Engine& engine) : engine_(engine) {
    const std::scoped_lock lock(engine.mutex_);
    if (engine.idle_.empty()) {
      block_ = std::make_unique<Block>();
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

void Engine::run(host::ThreadPool& pool, const BlockLaunch& launch, std::string_view body) {
  if (launch.num_threads > kMaxThreads || launch.shared_bytes > kSharedLimit)
    throw Error(ErrorCode::device_failure,
                std::string(body) + ": the launch asks for " + std::to_string(launch.num_threads) +
                    " threads and " + std::to_string(launch.shared_bytes) +
                    " bytes of shared memory, must be at most " + std::to_string(kMaxThreads) +
                    " and " + std::to_string(kSharedLimit));
  struct Shared {
    Engine* engine;
    const BlockLaunch* launch;
    std::mutex mutex;
    std::string fault;  // the first one
  } shared{this, &launch, {}, {}};
  const host::Job job{[](const void* state, std::int64_t first, std::int64_t last) {
                        auto& all = *static_cast<Shared*>(const_cast<void*>(state));
                        Lease lease(*all.engine);
                        for (std::int64_t i = first; i < last; ++i) {
                          std::string fault = lease.block().run(*all.launch, i);
                          if (fault.empty()) continue;
                          const std::scoped_lock lock(all.mutex);
                          if (all.fault.empty()) all.fault = std::move(fault);
                          return;
                        }
                      },
                      &shared, launch.num_blocks};
  pool.run(job, 0);
  if (!shared.fault.empty())
    throw Error(ErrorCode::device_failure, std::string(body) + ": " + shared.fault);
}

}  // namespace switchyard::simt
