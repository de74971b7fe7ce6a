// SPDX-License-Identifier: Apache-2.0
// Shared memory: indices outside an array, arrays beyond the launch, reads of what nobody wrote.
#include <cstddef>
#include <string>

#include "emulator/support/emulator.hpp"
#include "support/catch.hpp"

using namespace switchyard;
using namespace switchyard::test;

namespace {

constexpr std::int32_t kCount = 20;  // of the first array; a second one lies behind it

struct Access {
  std::int64_t index = 0;
  std::int64_t first = 0;        ///< Where the part starts that `index` counts from.
  std::int32_t thread = 0;       ///< Who does it.
  std::int32_t* read = nullptr;  ///< Takes the value read; null: writes.
};

struct AccessBody {
  using Params = Access;
  static constexpr std::string_view kName = "access";
  static constexpr std::size_t kBytes = kernels::simt::shared_bytes<std::int32_t>(kCount) + 64;

  template <class Ctx>
  static void run(Ctx& ctx, const Params& params) {
    auto values = ctx.template shared<std::int32_t>(kCount);
    auto behind = ctx.template shared<std::int32_t>(16);
    if (ctx.thread() < 16) behind[ctx.thread()] = 1;
    if (ctx.thread() < kCount && ctx.thread() != 13) values[ctx.thread()] = ctx.thread() * 7;
    ctx.sync();
    if (ctx.thread() != params.thread) return;
    auto part = values.offset(params.first);
    if (params.read == nullptr) {
      part[params.index] = 1;
    } else {
      *params.read = part[params.index];
    }
  }
};

struct Counts {
  std::int64_t first = 0;
  std::int64_t second = 0;
};

/// Asks for two arrays.
struct ArraysBody {
  using Params = Counts;
  static constexpr std::string_view kName = "arrays";

  template <class Ctx>
  static void run(Ctx& ctx, const Params& params) {
    auto first = ctx.template shared<double>(params.first);
    auto second = ctx.template shared<std::int32_t>(params.second);
    if (ctx.thread() == 0 && params.first > 0) first[params.first - 1] = 1.0;
    if (ctx.thread() == 0 && params.second > 0) second[params.second - 1] = 1;
  }
};

/// Elements of two bytes, of which one is not written.
struct NarrowBody {
  struct Params {};
  static constexpr std::string_view kName = "narrow";

  template <class Ctx>
  static void run(Ctx& ctx, const Params& /*params*/) {
    auto narrow = ctx.template shared<std::int16_t>(8);
    if (ctx.thread() == 0) narrow[3] = 1;
    ctx.sync();
    if (ctx.thread() == 1) narrow[2] = narrow[3];
    ctx.sync();
    if (ctx.thread() == 2) narrow[0] = narrow[1];
  }
};

std::string fault_text(const char* body, std::int32_t thread, const char* why, int wave) {
  return std::string(body) + ": shared memory in block 0, thread " + std::to_string(thread) + ": " +
         why + run_text(wave, 1);
}

}  // namespace

TEMPLATE_TEST_CASE_SIG("an index outside a shared array is a fault", "[emulator]",
                       ((int Wave), Wave), 8, 32, 64) {
  Emulator emulator;
  const LaunchShape shape{2, 64, AccessBody::kBytes};
  std::int32_t value = -1;
  for (std::int32_t* const read : {static_cast<std::int32_t*>(nullptr), &value}) {
    for (const std::int64_t index :
         {std::int64_t{kCount}, std::int64_t{-1}, INT64_MAX, INT64_MIN}) {
      CHECK(emulator.fault<AccessBody, Wave>(shape, {index, 0, 37, read}) ==
            fault_text("access", 37, "an index is outside the array", Wave));
      CHECK(works<Wave>(emulator));
    }
    CHECK(emulator.fault<AccessBody, Wave>(shape, {10, 10, 37, read}) ==
          fault_text("access", 37, "an index is outside the array", Wave));
    CHECK(emulator.fault<AccessBody, Wave>(shape, {0, kCount, 37, read}) ==
          fault_text("access", 37, "an index is outside the array", Wave));
    for (const std::int64_t first : {std::int64_t{-1}, std::int64_t{kCount + 1}})
      CHECK(emulator.fault<AccessBody, Wave>(shape, {0, first, 37, read}) ==
            fault_text("access", 37, "an array starts outside the one that it is part of", Wave));
    CHECK(value == -1);
  }
  CHECK(emulator.fault<AccessBody, Wave>(shape, {kCount - 1, 0, 37, &value}) == "no fault");
  CHECK(value == 7 * (kCount - 1));
  CHECK(emulator.fault<AccessBody, Wave>(shape, {2, 9, 37, &value}) == "no fault");
  CHECK(value == 7 * 11);
}

TEMPLATE_TEST_CASE_SIG("a read of shared memory that nobody wrote is a fault", "[emulator]",
                       ((int Wave), Wave), 8, 32, 64) {
  Emulator emulator;
  const LaunchShape shape{2, 64, AccessBody::kBytes};
  std::int32_t value = -1;
  CHECK(emulator.fault<AccessBody, Wave>(shape, {13, 0, 21, &value}) ==
        fault_text("access", 21, "an element is read before it is written", Wave));
  CHECK(value == -1);
  CHECK(works<Wave>(emulator));
  CHECK(emulator.fault<AccessBody, Wave>(shape, {14, 0, 21, &value}) == "no fault");
  CHECK(emulator.fault<NarrowBody, Wave>({1, 64, 16}) ==
        fault_text("narrow", 2, "an element is read before it is written", Wave));
}

TEMPLATE_TEST_CASE_SIG("what a block wrote is not written for the next one", "[emulator]",
                       ((int Wave), Wave), 8, 32, 64) {
  Emulator emulator;
  std::int32_t value = -1;
  REQUIRE(works<Wave>(emulator));  // writes all of the memory
  CHECK(emulator.fault<AccessBody, Wave>({2, 64, AccessBody::kBytes}, {13, 0, 3, &value}) ==
        fault_text("access", 3, "an element is read before it is written", Wave));
}

TEMPLATE_TEST_CASE_SIG("shared arrays beyond what the launch asked for are a fault", "[emulator]",
                       ((int Wave), Wave), 8, 32, 64) {
  Emulator emulator(0);
  const auto fault = [&](std::size_t bytes, std::int64_t first, std::int64_t second) {
    return emulator.fault<ArraysBody, Wave>({1, 64, bytes}, {first, second});
  };
  const std::string text =
      "arrays: shared memory in block 0, thread 0: arrays exceed what the launch asked for" +
      run_text(Wave, 0);
  CHECK(fault(0, 0, 0) == "no fault");
  CHECK(fault(0, 1, 0) == text);
  CHECK(fault(0, 0, 1) == text);
  CHECK(fault(256, 32, 0) == "no fault");
  CHECK(fault(255, 32, 0) == text);
  CHECK(fault(256, 32, 1) == text);
  CHECK(fault(16 + 4, 1, 1) == "no fault");  // the second array starts at 16
  CHECK(fault(16 + 3, 1, 1) == text);
  CHECK(fault(32 * 1024, 4096, 0) == "no fault");
  CHECK(fault(32 * 1024, 4097, 0) == text);
  for (const std::int64_t count : {std::int64_t{-1}, INT64_MIN, INT64_MAX, INT64_MAX / 4 + 1}) {
    CHECK(fault(1024, count, 0) == text);
    CHECK(fault(1024, 1, count) == text);
  }
  CHECK(works<Wave>(emulator));
}
