// SPDX-License-Identifier: Apache-2.0
// Which bodies a CpuBackend runs, and on whose threads.
#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "support/catch.hpp"
#include "support/cpu_bodies.hpp"
#include "support/environment.hpp"
#include "support/run_call.hpp"
#include "validation/bad_case.hpp"

using namespace switchyard;
using namespace switchyard::test;

namespace {

CpuBodies fastest() {
  const CpuFeatures features = cpu_features();
  if (features.amx) return CpuBodies::amx;
#if defined(__x86_64__)
  if (features.avx512_bf16 && __builtin_cpu_is("amd") != 0) return CpuBodies::avx512_bf16;
#endif
  if (features.avx512) return CpuBodies::avx512;
  if (features.avx2) return CpuBodies::avx2;
  return features.neon ? CpuBodies::neon : CpuBodies::reference;
}

/// An executor that starts threads for every job, counts jobs and calls.
class ThreadsPerJob : public HostExecutor {
 public:
  explicit ThreadsPerJob(int num_threads) : num_threads_(num_threads) {}
  int num_threads() const noexcept override { return num_threads_; }
  void run(int count, void (*work)(void*, int), void* context) noexcept override {
    ++jobs;
    std::vector<std::thread> threads;
    for (int i = 0; i < count; ++i)
      threads.emplace_back([=, this] {
        work(context, i);
        ++calls;
      });
    for (std::thread& thread : threads) thread.join();
  }

  std::atomic<int> jobs = 0;
  std::atomic<int> calls = 0;

 private:
  int num_threads_;
};

/// An executor that runs everything on the caller.
class OneAfterTheOther : public HostExecutor {
 public:
  int num_threads() const noexcept override { return 4; }
  void run(int count, void (*work)(void*, int), void* context) noexcept override {
    for (int i = count; i-- > 0;) work(context, i);
  }
};

struct SmallLayer {
  LayerCase layer;
  CallCase call;

  SmallLayer() {
    Random random(81);
    layer = random_layer(random, {60, 60, 12, true});
    call = random_call(random, layer, 40, Routing::gate);
  }
  [[nodiscard]] Outcome run(Session<CpuBackend>& session) const {
    MoeLayer<CpuBackend> moe(session.backend, session.stream, layer.config, layer.host());
    return run_call(session, moe, call);
  }
};

}  // namespace

TEST_CASE("bodies follow the processor, and what is hidden of it", "[cpu]") {
  CHECK(CpuBackend().bodies() == fastest());
  const SmallLayer small;
  Session<CpuBackend> reference{make_cpu(CpuBodies::reference)};
  const Outcome expected = small.run(reference);

  CpuOptions options;
  options.features = CpuFeatures{};
  Session<CpuBackend> plain{std::make_unique<CpuBackend>(options)};
  CHECK(plain.backend.bodies() == CpuBodies::reference);
  CHECK(plain.backend.layout_of({}) == WeightLayout::rows);
  const Outcome outcome = small.run(plain);
  CHECK(outcome.output == expected.output);
  CHECK(outcome.plan == expected.plan);

  for (const CpuBodies hidden : {CpuBodies::avx2, CpuBodies::avx512, CpuBodies::neon,
                                 CpuBodies::amx, CpuBodies::avx512_bf16}) {
    options.bodies = hidden;
    expect_error([&] { CpuBackend{options}; }, ErrorCode::device_unavailable,
                 "bodies are " + std::string(name(hidden)) +
                     ", must be one of those that this processor and build have: reference");
  }
  // Naming a feature does not make it: what the processor lacks stays away.
  options.bodies = CpuBodies::automatic;
  options.features = CpuFeatures{true, true, true, true, true};
  CHECK(CpuBackend(options).bodies() == fastest());
  options.features = cpu_features();
  options.features->avx512 = false;
  const CpuBodies without = cpu_features().avx2 ? CpuBodies::avx2 : fastest();
  CHECK(CpuBackend(options).bodies() == without);
  options.features = cpu_features();
  options.features->amx = options.features->avx512_bf16 = false;
  if (cpu_features().avx512) CHECK(CpuBackend(options).bodies() == CpuBodies::avx512);
}

TEST_CASE("bodies have names, in options and in the environment", "[cpu]") {
  for (const CpuBodies bodies : all_bodies()) CHECK(make_cpu(bodies)->bodies() == bodies);
  CpuOptions options;
  options.bodies = static_cast<CpuBodies>(9);
  expect_error([&] { CpuBackend{options}; }, ErrorCode::invalid_argument,
               "options.bodies is 9, must be an enumerator in [0, 6]");

  ScopedEnvironment environment("SWITCHYARD_CPU_BODIES", "reference");
  CHECK(CpuBackend().bodies() == CpuBodies::reference);
  options.bodies = fastest();
  CHECK(CpuBackend(options).bodies() == fastest());
  environment.set("automatic");
  CHECK(CpuBackend().bodies() == fastest());
  environment.set("");
  CHECK(CpuBackend().bodies() == fastest());
  environment.set("AVX2");
  expect_error([] { CpuBackend{}; }, ErrorCode::invalid_argument,
               "environment variable SWITCHYARD_CPU_BODIES is 'AVX2', must be automatic, "
               "reference, avx2, avx512, neon, amx or avx512_bf16");
}

TEST_CASE("stages run on the caller's threads, with the same bits", "[cpu]") {
  const SmallLayer small;
  for (const CpuBodies bodies : all_bodies()) {
    INFO(name(bodies));
    Session<CpuBackend> own{make_cpu(bodies)};
    const Outcome expected = small.run(own);
    ThreadsPerJob threads(3);
    CpuOptions options;
    options.bodies = bodies;
    options.executor = &threads;
    {
      Session<CpuBackend> session{std::make_unique<CpuBackend>(options)};
      CHECK(session.backend.num_threads() == 3);
      const Outcome outcome = small.run(session);
      CHECK(outcome.output == expected.output);
      CHECK(outcome.plan == expected.plan);
    }
    CHECK(threads.jobs > 0);
    CHECK(threads.calls == 3 * threads.jobs);

    OneAfterTheOther serial;
    options.executor = &serial;
    options.num_threads = 2;
    Session<CpuBackend> session{std::make_unique<CpuBackend>(options)};
    CHECK(session.backend.num_threads() == 2);
    CHECK(small.run(session).output == expected.output);
  }
}

TEST_CASE("streams share a pool of threads, each with its own memory", "[cpu]") {
  const SmallLayer small;
  Session<CpuBackend> first{make_cpu(CpuBodies::automatic, 3)};
  const Outcome expected = small.run(first);
  std::vector<std::thread> threads;
  std::atomic<int> wrong = 0;
  for (int i = 0; i < 3; ++i)
    threads.emplace_back([&] {
      auto stream = first.backend.make_stream();
      MoeLayer<CpuBackend> moe(first.backend, stream, small.layer.config, small.layer.host());
      const auto states = small.call.hidden_states.bytes();
      const auto buffer = first.backend.allocate<std::byte>(states.size());
      const auto output = first.backend.allocate<std::byte>(states.size());
      const MoeScratch<CpuBackend> scratch(
          first.backend, plan_workspace(small.layer.config, small.call.num_tokens));
      first.backend.upload(stream, buffer.span(), states);
      const LayerConfig& config = small.layer.config;
      MoeInputs inputs;
      inputs.hidden_states = {buffer.span().data(), config.activation_dtype, small.call.num_tokens,
                              config.hidden_size};
      inputs.output = {output.span().data(), config.activation_dtype, small.call.num_tokens,
                       config.hidden_size};
      std::vector<std::byte> before;
      for (int run = 0; run < 20; ++run) {
        moe.forward(stream, inputs, scratch);
        std::vector<std::byte> got(states.size());
        first.backend.download(stream, got, DeviceSpan<const std::byte>(output.span()));
        first.backend.synchronize(stream);
        if (run > 0 && got != before) ++wrong;
        before = got;
      }
    });
  for (std::thread& thread : threads) thread.join();
  CHECK(wrong == 0);
  CHECK(small.run(first).output == expected.output);
}
