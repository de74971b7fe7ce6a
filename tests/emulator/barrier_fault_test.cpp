// SPDX-License-Identifier: Apache-2.0
// Barriers that not every thread of the block reaches.
#include <string>

#include "emulator/support/emulator.hpp"
#include "support/catch.hpp"

using namespace switchyard;
using namespace switchyard::test;

namespace {

constexpr std::int32_t kThreads = 128;
constexpr LaunchShape kShape{3, kThreads, 0};
constexpr std::uint32_t kSeeds[] = {1, 2, 4'000'000'000U};

struct OneThread {
  std::int32_t thread = 0;
};

/// Thread `thread` returns early.
struct EarlyReturnBody {
  using Params = OneThread;
  static constexpr std::string_view kName = "early_return";
  static constexpr int kLine = __LINE__ + 5;

  template <class Ctx>
  static void run(Ctx& ctx, const Params& params) {
    if (ctx.thread() == params.thread) return;
    ctx.sync();
  }
};

/// Thread `thread` misses the first of two barriers.
struct MissedBarrierBody {
  using Params = OneThread;
  static constexpr std::string_view kName = "missed_barrier";
  static constexpr int kFirst = __LINE__ + 5;
  static constexpr int kSecond = kFirst + 1;

  template <class Ctx>
  static void run(Ctx& ctx, const Params& params) {
    if (ctx.thread() != params.thread) ctx.sync();
    ctx.sync();
  }
};

/// The halves of the block wait at barriers of their own, in one line of the source.
struct TwoBarriersBody {
  using Params = OneThread;
  static constexpr std::string_view kName = "two_barriers";
  static constexpr int kLine = __LINE__ + 4;

  template <class Ctx>
  static void run(Ctx& ctx, const Params& params) {
    ctx.thread() < params.thread ? ctx.sync() : ctx.sync();
  }
};

/// A lane waits for the block, the rest of its wave for the lane.
struct DeadlockBody {
  using Params = OneThread;
  static constexpr std::string_view kName = "circle";

  template <class Ctx>
  static void run(Ctx& ctx, const Params& params) {
    if (ctx.thread() == params.thread) ctx.sync();
    ctx.sync_wave();
    ctx.sync();
  }
};

/// Whole waves may leave while others go on among themselves.
struct WavesLeaveBody {
  using Params = OneThread;
  static constexpr std::string_view kName = "waves_leave";

  template <class Ctx>
  static void run(Ctx& ctx, const Params& /*params*/) {
    ctx.sync();
    for (int round = 0; round < ctx.wave(); ++round) ctx.sync_wave();
  }
};

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEMPLATE_TEST_CASE_SIG("a thread that returns above a barrier is a fault", "[emulator]",
                       ((int Wave), Wave), 8, 32, 64) {
  const std::string at = place(__FILE__, EarlyReturnBody::kLine);
  SECTION("in the order of the threads, the message is known") {
    Emulator emulator(0);
    CHECK(emulator.fault<EarlyReturnBody, Wave>(kShape, {0}) ==
          "early_return: barrier in block 0, thread 1 at " + at +
              ": a thread has ended and never arrives: thread 0" + run_text(Wave, 0));
    CHECK(emulator.fault<EarlyReturnBody, Wave>(kShape, {kThreads - 1}) ==
          "early_return: exit in block 0, thread 127: the thread ends while others wait for it: "
          "thread 0 at " +
              at + run_text(Wave, 0));
    CHECK(works<Wave>(emulator));
  }
  SECTION("in any order, by any thread") {
    for (const std::uint32_t seed : kSeeds) {
      Emulator emulator(seed);
      for (const std::int32_t thread : {0, 70, kThreads - 1}) {
        const std::string message = emulator.fault<EarlyReturnBody, Wave>(kShape, {thread});
        INFO(message);
        CHECK((contains(message, "arrives: thread " + std::to_string(thread)) ||
               contains(message, "exit in block ")));
        CHECK(contains(message, "thread " + std::to_string(thread)));
        CHECK(contains(message, at + (contains(message, "exit") ? "" : ": ")));
        CHECK(contains(message, run_text(Wave, seed)));
        CHECK(works<Wave>(emulator));
      }
    }
  }
}

TEMPLATE_TEST_CASE_SIG("a thread that misses a barrier is a fault", "[emulator]",
                       ((int Wave), Wave), 8, 32, 64) {
  const std::string first = place(__FILE__, MissedBarrierBody::kFirst);
  const std::string second = place(__FILE__, MissedBarrierBody::kSecond);
  Emulator in_order(0);
  CHECK(in_order.fault<MissedBarrierBody, Wave>(kShape, {5}) ==
        "missed_barrier: barrier in block 0, thread 5 at " + second +
            ": threads diverged and wait in different places: thread 0 at " + first +
            run_text(Wave, 0));
  for (const std::uint32_t seed : kSeeds) {
    Emulator emulator(seed);
    for (const std::int32_t thread : {0, 70, kThreads - 1}) {
      const std::string message = emulator.fault<MissedBarrierBody, Wave>(kShape, {thread});
      INFO(message);
      CHECK(contains(message, "missed_barrier: barrier in block "));
      CHECK(contains(message, "diverged"));
      CHECK(contains(message, "thread " + std::to_string(thread) + " at " + second));
      CHECK(contains(message, " at " + first));
      CHECK(contains(message, run_text(Wave, seed)));
      CHECK(works<Wave>(emulator));
    }
  }
}

TEMPLATE_TEST_CASE_SIG("two barriers of one line are two places", "[emulator]", ((int Wave), Wave),
                       8, 32, 64) {
  const std::string at = place(__FILE__, TwoBarriersBody::kLine);
  Emulator emulator(0);
  CHECK(emulator.fault<TwoBarriersBody, Wave>(kShape, {64}) ==
        "two_barriers: barrier in block 0, thread 64 at " + at +
            ": threads diverged and wait in different places: thread 0 at " + at +
            run_text(Wave, 0));
  CHECK(emulator.fault<TwoBarriersBody, Wave>(kShape, {0}) == "no fault");
  CHECK(emulator.fault<TwoBarriersBody, Wave>(kShape, {kThreads}) == "no fault");
  CHECK(works<Wave>(emulator));
}

TEMPLATE_TEST_CASE_SIG("threads that wait for each other in a circle are a fault", "[emulator]",
                       ((int Wave), Wave), 8, 32, 64) {
  for (const std::uint32_t seed : kSeeds) {
    Emulator emulator(seed);
    for (const std::int32_t thread : {0, 100}) {
      const std::string message = emulator.fault<DeadlockBody, Wave>({1, kThreads, 0}, {thread});
      INFO(message);
      // Whichever comes first: other waves arrive at their barrier of the block, in another place.
      CHECK((contains(message, "deadlock: every thread waits") || contains(message, "diverged")));
      CHECK(contains(message, run_text(Wave, seed)));
      CHECK(works<Wave>(emulator));
    }
    const std::string message = emulator.fault<DeadlockBody, Wave>({1, Wave, 0}, {Wave / 2});
    INFO(message);
    CHECK(contains(message, "deadlock: every thread waits: thread "));
  }
}

TEMPLATE_TEST_CASE_SIG("waves may leave at different times", "[emulator]", ((int Wave), Wave), 8,
                       32, 64) {
  for (const std::uint32_t seed : kSeeds) {
    Emulator emulator(seed);
    CHECK(emulator.fault<WavesLeaveBody, Wave>(kShape) == "no fault");
  }
}
