// SPDX-License-Identifier: Apache-2.0
// Collectives of a wave that its lanes do not reach together.
#include <string>

#include "emulator/support/emulator.hpp"
#include "support/catch.hpp"

using namespace switchyard;
using namespace switchyard::test;

namespace {

constexpr std::int32_t kThreads = 128;
constexpr LaunchShape kShape{2, kThreads, 0};

struct OneLane {
  std::int32_t lane = 0;
};

/// The lanes from `lane` on shuffle in a branch of their own.
struct DivergedShuffleBody {
  using Params = OneLane;
  static constexpr std::string_view kName = "diverged_shuffle";
  static constexpr int kBelow = __LINE__ + 6;
  static constexpr int kAbove = kBelow + 2;

  template <class Ctx>
  static void run(Ctx& ctx, const Params& params) {
    if (ctx.lane() < params.lane) {
      static_cast<void>(ctx.shuffle(ctx.lane(), 0));
    } else {
      static_cast<void>(ctx.shuffle(ctx.lane(), 0));
    }
  }
};

/// Lane `lane` takes part in a vote that the others do not know of.
struct ExtraBallotBody {
  using Params = OneLane;
  static constexpr std::string_view kName = "extra_ballot";

  template <class Ctx>
  static void run(Ctx& ctx, const Params& params) {
    if (ctx.lane() == params.lane) static_cast<void>(ctx.ballot(true));
    ctx.sync_wave();
  }
};

/// Lane `lane` has left.
struct LeftBody {
  using Params = OneLane;
  static constexpr std::string_view kName = "left";
  static constexpr int kLine = __LINE__ + 5;

  template <class Ctx>
  static void run(Ctx& ctx, const Params& params) {
    if (ctx.lane() == params.lane) return;
    static_cast<void>(ctx.shuffle(ctx.lane(), 0));
  }
};

/// Asks for the value of lane `lane`.
struct FromLaneBody {
  using Params = OneLane;
  static constexpr std::string_view kName = "from_lane";

  template <class Ctx>
  static void run(Ctx& ctx, const Params& params) {
    static_cast<void>(ctx.shuffle(ctx.thread(), params.lane));
  }
};

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEMPLATE_TEST_CASE_SIG("lanes that shuffle in different places are a fault", "[emulator]",
                       ((int Wave), Wave), 8, 32, 64) {
  const std::string below = place(__FILE__, DivergedShuffleBody::kBelow);
  const std::string above = place(__FILE__, DivergedShuffleBody::kAbove);
  Emulator in_order(0);
  CHECK(in_order.fault<DivergedShuffleBody, Wave>(kShape, {3}) ==
        "diverged_shuffle: wave collective in block 0, thread 3 at " + above +
            ": threads diverged and wait in different places: thread 0 at " + below +
            run_text(Wave, 0));
  CHECK(works<Wave>(in_order));
  for (const std::uint32_t seed : {1U, 2U, 3U, 99U}) {
    Emulator emulator(seed);
    const std::string message = emulator.fault<DivergedShuffleBody, Wave>(kShape, {Wave / 2});
    INFO(message);
    CHECK(contains(message, "diverged_shuffle: wave collective in block "));
    CHECK(contains(message, "diverged and wait in different places"));
    CHECK(contains(message, below));
    CHECK(contains(message, above));
    CHECK(contains(message, run_text(Wave, seed)));
    CHECK(works<Wave>(emulator));
    CHECK(emulator.fault<DivergedShuffleBody, Wave>(kShape, {0}) == "no fault");
    CHECK(emulator.fault<DivergedShuffleBody, Wave>(kShape, {Wave}) == "no fault");
  }
}

TEMPLATE_TEST_CASE_SIG("a vote by one lane alone is a fault", "[emulator]", ((int Wave), Wave), 8,
                       32, 64) {
  for (const std::uint32_t seed : {0U, 1U, 2U}) {
    Emulator emulator(seed);
    for (const std::int32_t lane : {0, 5}) {
      const std::string message = emulator.fault<ExtraBallotBody, Wave>(kShape, {lane});
      INFO(message);
      CHECK(contains(message, "extra_ballot: wave "));
      CHECK(contains(message, "diverged and wait in different places"));
      CHECK(works<Wave>(emulator));
    }
  }
}

TEMPLATE_TEST_CASE_SIG("a collective that a lane has left is a fault", "[emulator]",
                       ((int Wave), Wave), 8, 32, 64) {
  const std::string at = place(__FILE__, LeftBody::kLine);
  Emulator emulator(0);
  CHECK(emulator.fault<LeftBody, Wave>(kShape, {0}) ==
        "left: wave collective in block 0, thread 1 at " + at +
            ": a thread has ended and never arrives: thread 0" + run_text(Wave, 0));
  CHECK(emulator.fault<LeftBody, Wave>(kShape, {7}) ==
        "left: exit in block 0, thread 7: the thread ends while others wait for it: thread 0 at " +
            at + run_text(Wave, 0));
  CHECK(works<Wave>(emulator));
}

TEMPLATE_TEST_CASE_SIG("a lane outside the wave is a fault", "[emulator]", ((int Wave), Wave), 8,
                       32, 64) {
  Emulator emulator(0);
  for (const std::int32_t lane : {-1, Wave, 1 << 30}) {
    CHECK(emulator.fault<FromLaneBody, Wave>(kShape, {lane}) ==
          "from_lane: wave collective in block 0, thread 0: a lane is outside the wave" +
              run_text(Wave, 0));
    CHECK(works<Wave>(emulator));
  }
  CHECK(emulator.fault<FromLaneBody, Wave>(kShape, {0}) == "no fault");
  CHECK(emulator.fault<FromLaneBody, Wave>(kShape, {Wave - 1}) == "no fault");
}
