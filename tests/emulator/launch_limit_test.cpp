// SPDX-License-Identifier: Apache-2.0
// Launches that ask for more than every GPU has.
#include <atomic>
#include <string>

#include "emulator/support/emulator.hpp"
#include "support/catch.hpp"

using namespace switchyard;
using namespace switchyard::test;

namespace {

/// Counts its threads.
struct CountBody {
  struct Params {
    std::atomic<std::int64_t>* threads = nullptr;
  };
  static constexpr std::string_view kName = "count";

  template <class Ctx>
  static void run(Ctx& /*ctx*/, const Params& params) {
    params.threads->fetch_add(1, std::memory_order_relaxed);
  }
};

struct ThrowingBody {
  struct Params {};
  static constexpr std::string_view kName = "throwing";

  template <class Ctx>
  static void run(Ctx& ctx, const Params& /*params*/) {
    if (ctx.thread() == 6) throw std::string("of some length, so that it is not kept in place");
  }
};

}  // namespace

TEMPLATE_TEST_CASE_SIG("a launch beyond the limits does not start", "[emulator]",
                       ((int Wave), Wave), 8, 32, 64) {
  Emulator emulator;
  std::atomic<std::int64_t> threads = 0;
  const auto fault = [&](const LaunchShape& shape) {
    return emulator.fault<CountBody, Wave>(shape, {&threads});
  };
  const std::string wave = std::to_string(Wave);
  for (const std::int32_t count : {-Wave, 0, 1, Wave - 1, Wave + 1, 257, 256 + Wave, 1 << 30})
    CHECK(fault({1, count, 0}) == "count: the launch asks for " + std::to_string(count) +
                                      " threads, must be a multiple of " + wave + " in [" + wave +
                                      ", 256]" + run_text(Wave, 1));
  CHECK(fault({1, Wave, 32 * 1024 + 1}) ==
        "count: the launch asks for 32769 bytes of shared memory, must be at most 32768" +
            run_text(Wave, 1));
  CHECK(fault({(1 << 20) + 1, Wave, 0}) ==
        "count: the launch asks for 1048577 blocks, must be in [0, 1048576]" + run_text(Wave, 1));
  CHECK(fault({-1, Wave, 0}) ==
        "count: the launch asks for -1 blocks, must be in [0, 1048576]" + run_text(Wave, 1));
  CHECK(threads == 0);
  CHECK(works<Wave>(emulator));
}

TEMPLATE_TEST_CASE_SIG("a launch within the limits runs every thread once", "[emulator]",
                       ((int Wave), Wave), 8, 32, 64) {
  for (const int host_threads : {1, 3}) {
    Emulator emulator(1, host_threads);
    std::atomic<std::int64_t> threads = 0;
    emulator.run<CountBody, Wave>({0, Wave, 0}, {&threads});
    CHECK(threads == 0);
    emulator.run<CountBody, Wave>({7, 256, 32 * 1024}, {&threads});
    CHECK(threads == 7 * 256);
    emulator.run<CountBody, Wave>({100, Wave, 0}, {&threads});
    CHECK(threads == 7 * 256 + 100 * Wave);
  }
}

TEMPLATE_TEST_CASE_SIG("a body that throws is a fault", "[emulator]", ((int Wave), Wave), 8, 32,
                       64) {
  Emulator emulator(0);
  CHECK(emulator.fault<ThrowingBody, Wave>({1, 64, 0}) ==
        "throwing: exception in block 0, thread 6: a body may not throw" + run_text(Wave, 0));
  CHECK(works<Wave>(emulator));
}
