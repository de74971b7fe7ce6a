// SPDX-License-Identifier: Apache-2.0
// Runs a test's own bodies on the emulator.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "backends/host/thread_pool.hpp"
#include "backends/simt/run_body.hpp"
#include "kernels/simt.hpp"
#include "switchyard/error.hpp"

namespace switchyard::test {

using kernels::simt::LaunchShape;

/// An engine and the host threads that run its blocks.
class Emulator {
 public:
  explicit Emulator(std::uint32_t seed = 1, int num_threads = 1)
      : engine_(seed), pool_(num_threads) {}

  template <class Body, int Wave>
  void run(const LaunchShape& shape, const typename Body::Params& params = {}) {
    simt::run_body<Body, Wave>(engine_, pool_, shape, params);
  }

  /// The message of the Error{device_failure} that the launch ends in; "no fault" if it does not.
  template <class Body, int Wave>
  [[nodiscard]] std::string fault(const LaunchShape& shape,
                                  const typename Body::Params& params = {}) {
    try {
      run<Body, Wave>(shape, params);
    } catch (const Error& error) {
      return error.code() == ErrorCode::device_failure ? error.what() : "another code";
    }
    return "no fault";
  }

 private:
  simt::Engine engine_;
  host::ThreadPool pool_;
};

/// Each thread writes to shared memory and reads what another wave wrote.
struct ReverseBody {
  struct Params {
    std::int32_t* output = nullptr;  ///< [num_blocks * num_threads]
  };
  static constexpr std::string_view kName = "reverse";

  template <class Ctx>
  static void run(Ctx& ctx, const Params& params) {
    auto values = ctx.template shared<std::int32_t>(ctx.num_threads());
    values[ctx.thread()] = 10 * ctx.thread() + 3;
    ctx.sync();
    const std::int32_t mirrored = values[ctx.num_threads() - 1 - ctx.thread()];
    params.output[ctx.block() * ctx.num_threads() + ctx.thread()] =
        ctx.shuffle(mirrored, (ctx.lane() + 1) % Ctx::kWave);
  }
};

/// Whether a correct launch on the emulator gives the right numbers.
template <int Wave>
[[nodiscard]] bool works(Emulator& emulator) {
  constexpr std::int32_t kBlocks = 3;
  constexpr std::int32_t kThreads = 128;
  std::vector<std::int32_t> output(static_cast<std::size_t>(kBlocks) * kThreads, -1);
  emulator.run<ReverseBody, Wave>({kBlocks, kThreads, kThreads * sizeof(std::int32_t)},
                                  {output.data()});
  for (std::int32_t i = 0; i < kBlocks * kThreads; ++i) {
    const std::int32_t thread = i % kThreads;
    const std::int32_t from = thread / Wave * Wave + (thread + 1) % Wave;
    if (output[static_cast<std::size_t>(i)] != 10 * (kThreads - 1 - from) + 3) return false;
  }
  return true;
}

/// " (wave 32, seed 7)", the end of a fault's message.
[[nodiscard]] inline std::string run_text(int wave, std::uint32_t seed) {
  return " (wave " + std::to_string(wave) + ", seed " + std::to_string(seed) + ")";
}

/// "file.cpp:12", as messages name a place.
[[nodiscard]] inline std::string place(const char* file, int line) {
  const std::string path = file;
  return path.substr(path.find_last_of('/') + 1) + ":" + std::to_string(line);
}

}  // namespace switchyard::test
