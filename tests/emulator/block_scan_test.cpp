// SPDX-License-Identifier: Apache-2.0
// The largest value of a wave, and the scan of pairs by a block, against plain computations.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "emulator/support/emulator.hpp"
#include "support/catch.hpp"
#include "support/random.hpp"

using namespace switchyard;
using namespace switchyard::test;
namespace simt_kernels = switchyard::kernels::simt;
using simt_kernels::SumPair;

namespace {

constexpr std::int32_t kThreads = 128;

struct LargestBody {
  struct Params {
    const std::uint32_t* values = nullptr;  ///< [kThreads]
    std::uint32_t* largest = nullptr;       ///< [kThreads]
  };
  static constexpr std::string_view kName = "largest";

  template <class Ctx>
  static void run(Ctx& ctx, const Params& params) {
    params.largest[ctx.thread()] = ctx.largest(params.values[ctx.thread()]);
  }
};

struct BlockScanBody {
  struct Params {
    const SumPair* values = nullptr;
    std::int32_t count = 0;
    SumPair* sums = nullptr;    ///< [count]
    SumPair* totals = nullptr;  ///< [kThreads]
  };
  static constexpr std::string_view kName = "block_scan";

  template <class Ctx>
  static void run(Ctx& ctx, const Params& params) {
    auto wave_sums = ctx.template shared<SumPair>(ctx.num_waves());
    params.totals[ctx.thread()] = simt_kernels::block_scan(
        ctx, wave_sums, params.count, [&](std::int32_t i) { return params.values[i]; },
        [&](std::int32_t i, const SumPair& sum) { params.sums[i] = sum; });
  }
};

bool equal(const SumPair& a, const SumPair& b) {
  return a.first == b.first && a.second == b.second;
}

}  // namespace

TEMPLATE_TEST_CASE_SIG("largest gives each lane its wave's largest value", "[emulator]",
                       ((int Wave), Wave), 8, 32, 64) {
  Emulator emulator;
  Random random(11);
  for (int round = 0; round < 20; ++round) {
    std::vector<std::uint32_t> values(kThreads);
    for (std::uint32_t& value : values) {
      value = random.chance(0.3) ? 0xffffffffU : static_cast<std::uint32_t>(random.bits() >> 40U);
      if (round % 3 == 0) value = 0;
    }
    std::vector<std::uint32_t> largest(kThreads, 7);
    emulator.run<LargestBody, Wave>({1, kThreads, 0}, {values.data(), largest.data()});
    for (std::int32_t t = 0; t < kThreads; ++t) {
      const auto first = values.begin() + t / Wave * Wave;
      REQUIRE(largest[static_cast<std::size_t>(t)] == *std::max_element(first, first + Wave));
    }
  }
}

TEMPLATE_TEST_CASE_SIG("block_scan gives the sums of what is in front", "[emulator]",
                       ((int Wave), Wave), 8, 32, 64) {
  Emulator emulator;
  Random random(12);
  for (const std::int32_t count : {0, 1, 7, 8, 31, 33, 64, 127, 128, 129, 300, 1000}) {
    INFO("count " << count);
    std::vector<SumPair> values(static_cast<std::size_t>(count));
    for (SumPair& value : values) {
      value = {static_cast<std::int32_t>(random.in(-50, 1000)),
               static_cast<std::int32_t>(random.in(0, 100'000))};
    }
    std::vector<SumPair> sums(values.size());
    std::vector<SumPair> totals(kThreads);
    emulator.run<BlockScanBody, Wave>(
        {1, kThreads, simt_kernels::shared_bytes<SumPair>(kThreads / Wave)},
        {values.data(), count, sums.data(), totals.data()});
    SumPair sum{0, 0};
    for (std::size_t i = 0; i < values.size(); ++i) {
      REQUIRE(equal(sums[i], sum));
      sum = {sum.first + values[i].first, sum.second + values[i].second};
    }
    CHECK(std::all_of(totals.begin(), totals.end(),
                      [&](const SumPair& total) { return equal(total, sum); }));
  }
}
