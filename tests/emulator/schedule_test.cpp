// SPDX-License-Identifier: Apache-2.0
// The order in which emulated threads run: a seed fixes it, and no correct body can tell.
#include <algorithm>
#include <atomic>
#include <cstdint>
#include <numeric>
#include <vector>

#include "emulator/support/emulator.hpp"
#include "support/catch.hpp"
#include "support/random.hpp"

using namespace switchyard;
using namespace switchyard::test;

namespace {

constexpr std::int32_t kThreads = 128;
constexpr std::int32_t kBlocks = 3;

/// Each thread notes when it runs, before and after a barrier.
struct OrderBody {
  struct Params {
    std::atomic<std::int32_t>* clock = nullptr;
    std::int32_t* times = nullptr;  ///< [kThreads, 2]
  };
  static constexpr std::string_view kName = "order";

  template <class Ctx>
  static void run(Ctx& ctx, const Params& params) {
    for (int i = 0; i < 2; ++i) {
      params.times[2 * ctx.thread() + i] = params.clock->fetch_add(1, std::memory_order_relaxed);
      ctx.sync();
    }
  }
};

/// A sum over the block by halves through shared memory, then votes on its bits by each wave.
struct MixBody {
  struct Params {
    const std::int32_t* input = nullptr;  ///< [kBlocks * kThreads]
    std::uint64_t* output = nullptr;      ///< [kBlocks * kThreads]
  };
  static constexpr std::string_view kName = "mix";

  template <class Ctx>
  static void run(Ctx& ctx, const Params& params) {
    const std::int64_t i = ctx.block() * ctx.num_threads() + ctx.thread();
    auto sums = ctx.template shared<std::int32_t>(ctx.num_threads());
    sums[ctx.thread()] = params.input[i];
    ctx.sync();
    for (std::int32_t width = ctx.num_threads() / 2; width > 0; width /= 2) {
      if (ctx.thread() < width)
        sums[ctx.thread()] = sums[ctx.thread()] + sums[ctx.thread() + width];
      ctx.sync();
    }
    const std::int32_t total = sums[0];
    const std::int32_t turned = ctx.shuffle(params.input[i] ^ total, ctx.lane() ^ 5);
    params.output[i] = ctx.ballot((turned & 4) != 0) + static_cast<std::uint32_t>(turned);
  }
};

template <int Wave>
std::vector<std::int32_t> times(std::uint32_t seed) {
  Emulator emulator(seed);
  std::atomic<std::int32_t> clock = 0;
  std::vector<std::int32_t> result(std::size_t{2} * kThreads, -1);
  emulator.run<OrderBody, Wave>({1, kThreads, 0}, {&clock, result.data()});
  return result;
}

}  // namespace

TEMPLATE_TEST_CASE_SIG("a seed fixes the order, and seeds differ", "[emulator]", ((int Wave), Wave),
                       8, 32, 64) {
  const auto first = times<Wave>(1);
  CHECK(times<Wave>(1) == first);
  CHECK(times<Wave>(2) != first);
  CHECK(times<Wave>(3) != first);
  for (const std::uint32_t seed : {0U, 1U, 2U}) {
    // Each thread runs up to the barrier once before any runs on.
    auto all = times<Wave>(seed);
    for (std::size_t t = 0; t < kThreads; ++t) {
      CHECK(all[2 * t] < kThreads);
      CHECK(all[2 * t + 1] >= kThreads);
    }
    std::sort(all.begin(), all.end());
    std::vector<std::int32_t> every(all.size());
    std::iota(every.begin(), every.end(), 0);
    CHECK(all == every);
  }
  const auto in_order = times<Wave>(0);
  for (std::size_t t = 0; t < kThreads; ++t) CHECK(in_order[2 * t] == static_cast<int>(t));
}

TEMPLATE_TEST_CASE_SIG("results do not depend on seed or host threads", "[emulator]",
                       ((int Wave), Wave), 8, 32, 64) {
  Random random(3);
  std::vector<std::int32_t> input(std::size_t{kBlocks} * kThreads);
  for (std::int32_t& value : input) value = static_cast<std::int32_t>(random.in(0, 1 << 20));
  std::vector<std::uint64_t> expected(input.size());
  for (std::size_t i = 0; i < input.size(); ++i) {
    const std::size_t block = i / kThreads * kThreads;
    const auto* const own = input.data() + block;
    const std::int32_t total = std::accumulate(own, own + kThreads, 0);
    const auto turned = [&](std::size_t t) { return input[t ^ 5U] ^ total; };
    for (std::size_t lane = 0; lane < Wave; ++lane)
      if ((turned(i / Wave * Wave + lane) & 4) != 0) expected[i] |= std::uint64_t{1} << lane;
    expected[i] += static_cast<std::uint32_t>(turned(i));
  }
  for (const std::uint32_t seed : {0U, 1U, 2U, 3U, 4U, 5U, 77U, 4'294'967'295U}) {
    for (const int host_threads : {1, 3}) {
      Emulator emulator(seed, host_threads);
      std::vector<std::uint64_t> output(input.size());
      emulator.run<MixBody, Wave>({kBlocks, kThreads, kThreads * sizeof(std::int32_t)},
                                  {input.data(), output.data()});
      CHECK(output == expected);
    }
  }
}
