// SPDX-License-Identifier: Apache-2.0
// The portable probe: reads memory as fast as a device can, and nothing else.
#pragma once

#include <cstdint>
#include <string_view>

#include "kernels/probe/params.hpp"
#include "kernels/simt.hpp"
#include "switchyard/probing.hpp"

namespace switchyard::kernels {

namespace simt {

/// Each thread reads every num_blocks * num_threads-th piece of 16 bytes, kAtOnce of them at once.
struct ProbeReadsBody {
  using Params = ProbeReadsParams;
  static constexpr std::string_view kName = "probe_reads";
  static constexpr int kAtOnce = 4;

  struct alignas(16) Piece {
    std::uint32_t words[4];
    [[nodiscard]] SWITCHYARD_FN std::uint32_t folded() const {
      return words[0] ^ words[1] ^ words[2] ^ words[3];
    }
  };

  template <class Ctx>
  SWITCHYARD_FN static void run(Ctx& ctx, const Params& params) {
    const auto* const pieces = static_cast<const Piece*>(params.from);
    const std::int64_t threads = ctx.num_blocks() * ctx.num_threads();
    const std::int64_t thread = ctx.block() * ctx.num_threads() + ctx.thread();
    std::uint32_t sum = 0;
    std::int64_t i = thread;
    SWITCHYARD_ROLLED
    for (; i + (kAtOnce - 1) * threads < params.num_pieces; i += kAtOnce * threads) {
      Piece read[kAtOnce];
      for (int j = 0; j < kAtOnce; ++j) read[j] = pieces[i + j * threads];
      for (int j = 0; j < kAtOnce; ++j) sum ^= read[j].folded();
    }
    SWITCHYARD_ROLLED
    for (; i < params.num_pieces; i += threads) sum ^= pieces[i].folded();
    params.sink[thread] = sum;
  }
};

/// Calls launch.template operator()<Body>(shape, params): as many threads as the sink has words.
template <class Launch>
void launch_all(const ProbeReadsParams& params, int /*wave_size*/, Launch&& launch) {
  constexpr std::int64_t kBlocks = kProbeSinkBytes / (4 * kMaxThreads);
  launch.template operator()<ProbeReadsBody>(LaunchShape{kBlocks, kMaxThreads, 0}, params);
}

}  // namespace simt
}  // namespace switchyard::kernels
