// SPDX-License-Identifier: Apache-2.0
// The collectives of a wave, and the helpers of the dialect that are made of them, against plain
// computations on the host.
#include <cstdint>
#include <limits>
#include <vector>

#include "emulator/support/emulator.hpp"
#include "support/catch.hpp"
#include "support/random.hpp"

using namespace switchyard;
using namespace switchyard::test;
namespace simt_kernels = switchyard::kernels::simt;

namespace {

constexpr std::int32_t kThreads = 128;
constexpr std::uint32_t kSeeds[] = {0, 1, 12'345};

/// Four words in one shuffle.
struct Quad {
  std::int32_t words[4];
};
struct Triple {
  std::uint32_t words[3];
};

struct ShuffleBody {
  struct Params {
    const std::int32_t* from = nullptr;  ///< [kThreads] The lane that each thread asks.
    std::int64_t* wide = nullptr;        ///< [kThreads]
    float* narrow = nullptr;             ///< [kThreads]
    std::int64_t* sums = nullptr;        ///< [kThreads]
  };
  static constexpr std::string_view kName = "shuffle";

  template <class Ctx>
  static void run(Ctx& ctx, const Params& params) {
    const std::int32_t t = ctx.thread();
    const std::int32_t from = params.from[t];
    params.wide[t] = ctx.shuffle((std::int64_t{t} << 40U) - t, from);
    params.narrow[t] = ctx.shuffle(static_cast<float>(t) * 0.5F, from);
    const Quad quad = ctx.shuffle(Quad{{t, -t, t * t, 1}}, from);
    const auto u = static_cast<std::uint32_t>(t);
    const Triple triple = ctx.shuffle(Triple{{u, 2 * u, 3 * u}}, from);
    params.sums[t] = std::int64_t{quad.words[0]} + 2 * quad.words[1] + 3 * quad.words[2] +
                     4 * quad.words[3] + triple.words[0] + triple.words[1] + triple.words[2];
  }
};

struct Votes {
  const std::uint32_t* values = nullptr;  ///< [kThreads]
  const std::uint8_t* active = nullptr;   ///< [kThreads]
  int bits = 0;
  std::uint64_t* ballots = nullptr;  ///< [kThreads]
  std::uint64_t* matches = nullptr;  ///< [kThreads]
};

struct VoteBody {
  using Params = Votes;
  static constexpr std::string_view kName = "vote";

  template <class Ctx>
  static void run(Ctx& ctx, const Params& params) {
    const std::int32_t t = ctx.thread();
    const bool active = params.active[t] != 0;
    params.ballots[t] = ctx.ballot(active);
    params.matches[t] = simt_kernels::wave_match(ctx, active, params.values[t], params.bits);
  }
};

struct Reduction {
  const float* values = nullptr;
  std::int32_t count = 0;
  float* sums = nullptr;  ///< [kThreads]
};

struct SumBody {
  using Params = Reduction;
  static constexpr std::string_view kName = "sum";

  template <class Ctx>
  static void run(Ctx& ctx, const Params& params) {
    params.sums[ctx.thread()] = simt_kernels::strided_sum(
        ctx, params.count, [&](std::int32_t i) { return params.values[i]; });
  }
};

struct Scan {
  const std::int32_t* values = nullptr;
  std::int32_t count = 0;
  std::int32_t* sums = nullptr;    ///< [num_waves, count]
  std::int32_t* totals = nullptr;  ///< [kThreads]
};

struct ScanBody {
  using Params = Scan;
  static constexpr std::string_view kName = "scan";

  template <class Ctx>
  static void run(Ctx& ctx, const Params& params) {
    std::int32_t* const sums = params.sums + std::int64_t{ctx.wave()} * params.count;
    params.totals[ctx.thread()] = simt_kernels::wave_scan(
        ctx, params.count, [&](std::int32_t i) { return params.values[i]; },
        [&](std::int32_t i, std::int32_t sum) { sums[i] = sum; });
  }
};

struct Candidate {
  std::int32_t score = 0;
  std::int32_t id = 0;
};

struct Best {
  const std::int32_t* scores = nullptr;  ///< [kThreads]
  Candidate* best = nullptr;             ///< [kThreads]
};

/// The highest score, ties to the lowest id.
struct BestBody {
  using Params = Best;
  static constexpr std::string_view kName = "best";

  template <class Ctx>
  static void run(Ctx& ctx, const Params& params) {
    const std::int32_t t = ctx.thread();
    params.best[t] = simt_kernels::wave_best(
        ctx, Candidate{params.scores[t], t}, [](const Candidate& a, const Candidate& b) {
          return a.score != b.score ? a.score > b.score : a.id < b.id;
        });
  }
};

constexpr LaunchShape kShape{1, kThreads, 0};

template <class T>
std::vector<T> per_thread(T value = {}) {
  return std::vector<T>(static_cast<std::size_t>(kThreads), value);
}

}  // namespace

TEMPLATE_TEST_CASE_SIG("shuffle gives the value of the lane that is asked", "[emulator]",
                       ((int Wave), Wave), 8, 32, 64) {
  for (const std::uint32_t seed : kSeeds) {
    Random random(seed);
    Emulator emulator(seed);
    auto from = per_thread<std::int32_t>();
    for (std::int32_t& lane : from) lane = static_cast<std::int32_t>(random.in(0, Wave - 1));
    auto wide = per_thread<std::int64_t>();
    auto narrow = per_thread<float>();
    auto sums = per_thread<std::int64_t>();
    emulator.run<ShuffleBody, Wave>(kShape, {from.data(), wide.data(), narrow.data(), sums.data()});
    for (std::size_t t = 0; t < from.size(); ++t) {
      const std::int64_t asked = static_cast<std::int64_t>(t) / Wave * Wave + from[t];
      CHECK(wide[t] == asked * 1'099'511'627'776 - asked);
      CHECK(narrow[t] == static_cast<float>(asked) / 2.0F);
      CHECK(sums[t] == asked - 2 * asked + 3 * asked * asked + 4 + 6 * asked);
    }
  }
}

TEMPLATE_TEST_CASE_SIG("ballot and match give each lane its wave's bits", "[emulator]",
                       ((int Wave), Wave), 8, 32, 64) {
  for (const std::uint32_t seed : kSeeds) {
    Random random(seed);
    Emulator emulator(seed);
    for (const std::int32_t range : {1, 2, 3, 17, 1 << 20}) {
      for (const double share : {0.0, 0.5, 1.0}) {
        auto values = per_thread<std::uint32_t>();
        auto active = per_thread<std::uint8_t>();
        auto ballots = per_thread<std::uint64_t>();
        auto matches = per_thread<std::uint64_t>();
        for (std::uint32_t& value : values)
          value = static_cast<std::uint32_t>(random.in(0, range - 1));
        for (std::uint8_t& flag : active) flag = random.chance(share) ? 1 : 0;
        int bits = 0;
        while ((1 << bits) < range) ++bits;
        CHECK(simt_kernels::bits_for(range) == bits);
        emulator.run<VoteBody, Wave>(
            kShape, {values.data(), active.data(), bits, ballots.data(), matches.data()});
        for (std::size_t t = 0; t < values.size(); ++t) {
          const std::size_t first = t / Wave * Wave;
          std::uint64_t votes = 0;
          std::uint64_t equals = 0;
          for (std::size_t lane = 0; lane < Wave; ++lane) {
            if (active[first + lane] == 0) continue;
            votes += std::uint64_t{1} << lane;
            if (values[first + lane] == values[t]) equals += std::uint64_t{1} << lane;
          }
          CHECK(ballots[t] == votes);
          CHECK(matches[t] == equals);
        }
      }
    }
  }
}

TEMPLATE_TEST_CASE_SIG("strided_sum adds in the stated order, to the bit", "[emulator]",
                       ((int Wave), Wave), 8, 32, 64) {
  for (const std::uint32_t seed : kSeeds) {
    Random random(seed);
    Emulator emulator(seed);
    for (const std::int32_t count : {0, 1, 7, 8, 63, 64, 65, 100, 128, 1000}) {
      std::vector<float> values(static_cast<std::size_t>(count));
      for (float& value : values)
        value = static_cast<float>(random.normal() * std::exp2(random.uniform(-20.0, 20.0)));
      // 64 strided sums, then halves: a recursion from the top, where the kernel goes upwards.
      const auto partial = [&](std::size_t j) {
        float sum = 0.0F;
        for (std::size_t i = j; i < values.size(); i += 64) sum += values[i];
        return sum;
      };
      const auto joined = [&](const auto& self, std::size_t j, std::size_t stride) -> float {
        if (stride == 64) return partial(j);
        const float low = self(self, j, 2 * stride);
        return low + self(self, j + stride, 2 * stride);
      };
      const float expected = joined(joined, 0, 1);
      auto sums = per_thread<float>(-1.0F);
      emulator.run<SumBody, Wave>(kShape, {values.data(), count, sums.data()});
      for (const float sum : sums) CHECK(sum == expected);
    }
  }
}

TEMPLATE_TEST_CASE_SIG("wave_scan gives the sums of what is in front", "[emulator]",
                       ((int Wave), Wave), 8, 32, 64) {
  for (const std::uint32_t seed : kSeeds) {
    Random random(seed);
    Emulator emulator(seed);
    for (const std::int32_t count : {0, 1, 7, 8, 9, 31, 32, 33, 64, 65, 200}) {
      std::vector<std::int32_t> values(static_cast<std::size_t>(count));
      for (std::int32_t& value : values) value = static_cast<std::int32_t>(random.in(-5, 900));
      std::vector<std::int32_t> sums(values.size() * (kThreads / Wave), -1);
      auto totals = per_thread<std::int32_t>(-1);
      emulator.run<ScanBody, Wave>(kShape, {values.data(), count, sums.data(), totals.data()});
      for (std::size_t wave = 0; wave < kThreads / Wave; ++wave) {
        std::int32_t in_front = 0;
        for (std::size_t i = 0; i < values.size(); ++i) {
          CHECK(sums[wave * values.size() + i] == in_front);
          in_front += values[i];
        }
        for (std::size_t lane = 0; lane < Wave; ++lane)
          CHECK(totals[wave * Wave + lane] == in_front);
      }
    }
  }
}

TEMPLATE_TEST_CASE_SIG("wave_best finds the first of the best", "[emulator]", ((int Wave), Wave), 8,
                       32, 64) {
  for (const std::uint32_t seed : kSeeds) {
    Random random(seed);
    Emulator emulator(seed);
    for (const std::int32_t range : {1, 2, 5, 1000}) {
      auto scores = per_thread<std::int32_t>();
      auto best = per_thread<Candidate>();
      for (std::int32_t& score : scores)
        score = static_cast<std::int32_t>(random.in(-range, range));
      emulator.run<BestBody, Wave>(kShape, {scores.data(), best.data()});
      for (std::size_t t = 0; t < scores.size(); ++t) {
        std::size_t winner = t / Wave * Wave;
        for (std::size_t i = winner; i < (t / Wave + 1) * Wave; ++i)
          if (scores[i] > scores[winner]) winner = i;
        CHECK(best[t].score == scores[winner]);
        CHECK(best[t].id == static_cast<std::int32_t>(winner));
      }
    }
  }
}
