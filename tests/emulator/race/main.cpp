// SPDX-License-Identifier: Apache-2.0
// Bodies that lack a barrier, and the same bodies with it:  race NAME missing|present
// For the thread sanitizer, which reports the former; nothing else can go wrong in either. Prints
// the two places of the source that race.
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

#include "emulator/support/emulator.hpp"

using namespace switchyard;
using namespace switchyard::test;

namespace {

constexpr std::int32_t kThreads = 64;
constexpr std::size_t kBytes = kThreads * sizeof(std::int32_t);

struct Output {
  std::int32_t* values = nullptr;  ///< [kThreads]
};

/// A thread reads what one of another wave has written.
template <bool kBarrier>
struct ReadAfterWrite {
  using Params = Output;
  static constexpr std::string_view kName = "read_after_write";
  static constexpr int kFirst = __LINE__ + 8;
  static constexpr int kSecond = kFirst + 2;

  template <class Ctx>
  static void run(Ctx& ctx, const Params& params) {
    auto shared = ctx.template shared<std::int32_t>(kThreads);
    shared[ctx.thread()] = 0;
    ctx.sync();
    shared[ctx.thread()] = ctx.thread();
    if (kBarrier) ctx.sync();
    params.values[ctx.thread()] = shared[kThreads - 1 - ctx.thread()];
  }
};

/// A thread writes what one of another wave may be yet to read, behind the barrier of that read.
template <bool kBarrier>
struct WriteAfterRead {
  using Params = Output;
  static constexpr std::string_view kName = "write_after_read";
  static constexpr int kFirst = __LINE__ + 8;
  static constexpr int kSecond = kFirst + 2;

  template <class Ctx>
  static void run(Ctx& ctx, const Params& params) {
    auto shared = ctx.template shared<std::int32_t>(kThreads);
    shared[ctx.thread()] = ctx.thread();
    ctx.sync();
    const std::int32_t other = shared[kThreads - 1 - ctx.thread()];
    if (kBarrier) ctx.sync();
    shared[ctx.thread()] = other;
    ctx.sync();
    params.values[ctx.thread()] = shared[ctx.thread()];
  }
};

/// Lanes of a wave exchange values by shuffle, which orders no memory.
template <bool kBarrier>
struct ShuffleIsNoBarrier {
  using Params = Output;
  static constexpr std::string_view kName = "shuffle_is_no_barrier";
  static constexpr int kFirst = __LINE__ + 9;
  static constexpr int kSecond = kFirst + 3;

  template <class Ctx>
  static void run(Ctx& ctx, const Params& params) {
    auto shared = ctx.template shared<std::int32_t>(kThreads);
    shared[ctx.thread()] = 0;
    const std::int32_t mirrored = ctx.thread() - ctx.lane() + Ctx::kWave - 1 - ctx.lane();
    ctx.sync();
    shared[ctx.thread()] = ctx.thread();
    const std::int32_t asked = ctx.shuffle(mirrored, ctx.lane());
    if (kBarrier) ctx.sync_wave();
    params.values[ctx.thread()] = shared[asked];
  }
};

/// Global memory, between waves that meet among themselves alone.
template <bool kBarrier>
struct GlobalMemory {
  using Params = Output;
  static constexpr std::string_view kName = "global_memory";
  static constexpr int kFirst = __LINE__ + 6;
  static constexpr int kSecond = kFirst + 3;

  template <class Ctx>
  static void run(Ctx& ctx, const Params& params) {
    const std::int32_t mirrored = kThreads - 1 - ctx.thread();
    params.values[ctx.thread()] = mirrored;
    ctx.sync_wave();
    if (kBarrier) ctx.sync();
    const std::int32_t other = params.values[mirrored];
    ctx.sync();
    params.values[ctx.thread()] = other;
  }
};

template <template <bool> class Body, int Wave>
bool run_if(const std::string& name, bool barrier) {
  if (name != Body<true>::kName) return false;
  std::printf("main.cpp:%d\nmain.cpp:%d\n", Body<true>::kFirst, Body<true>::kSecond);
  std::fflush(stdout);
  std::vector<std::int32_t> values(static_cast<std::size_t>(kThreads));
  Emulator emulator;
  if (barrier) {
    emulator.run<Body<true>, Wave>({1, kThreads, kBytes}, {values.data()});
  } else {
    emulator.run<Body<false>, Wave>({1, kThreads, kBytes}, {values.data()});
  }
  return true;
}

template <int Wave>
bool run_named(const std::string& name, bool barrier) {
  return run_if<ReadAfterWrite, Wave>(name, barrier) ||
         run_if<WriteAfterRead, Wave>(name, barrier) ||
         run_if<ShuffleIsNoBarrier, Wave>(name, barrier) ||
         run_if<GlobalMemory, Wave>(name, barrier);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const bool barrier = std::strcmp(argv[2], "present") == 0;
  if (!barrier && std::strcmp(argv[2], "missing") != 0) return 2;
  return run_named<8>(argv[1], barrier) && run_named<32>(argv[1], barrier) ? 0 : 2;
}
