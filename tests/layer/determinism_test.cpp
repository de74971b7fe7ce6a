// SPDX-License-Identifier: Apache-2.0
// The same bits from run to run, on any number of threads, whatever the other tokens are.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

#include "layer/support/rows_of.hpp"
#include "support/catch.hpp"
#include "support/run_call.hpp"
#include "support/scale.hpp"
#include "switchyard/backends/cpu.hpp"

using namespace switchyard;
using namespace switchyard::test;

TEMPLATE_LIST_TEST_CASE("the same call gives the same bits every time", "[determinism]", Backends) {
  Session<TestType> session;
  for (std::uint64_t i = 0; i < 10; ++i) {
    Random random(91'000 + i);
    const LayerCase layer_case = random_layer(random);
    const CallCase call = random_call(random, layer_case, 70, Routing::gate);
    MoeLayer<TestType> layer(session.backend, session.stream, layer_case.config, layer_case.host());
    const Outcome first = run_call(session, layer, call);
    for (int run = 0; run < 10; ++run) {
      const Outcome again = run_call(session, layer, call);
      CHECK(again.output == first.output);
      CHECK(again.plan == first.plan);
    }
  }
}

TEST_CASE("1, 2, 3 and 5 threads give the same bits", "[determinism]") {
  const std::int64_t count = scaled(60);
  for (std::int64_t i = 0; i < count; ++i) {
    INFO("case " << i);
    Random random(92'000 + static_cast<std::uint64_t>(i));
    const LayerCase layer_case = random_layer(random);
    const Routing routing = random.pick({Routing::gate, Routing::logits, Routing::preselected});
    const CallCase call = random_call(random, layer_case, random.in(1, 90), routing);
    Outcome one;
    for (const int threads : {1, 2, 3, 5}) {
      CpuOptions options;
      options.num_threads = threads;
      Session<CpuBackend> session{std::make_unique<CpuBackend>(options)};
      CHECK(session.backend.num_threads() == threads);
      MoeLayer<CpuBackend> layer(session.backend, session.stream, layer_case.config,
                                 layer_case.host());
      const Outcome outcome = run_call(session, layer, call);
      if (threads == 1) one = outcome;
      CHECK(outcome.output == one.output);
      CHECK(outcome.plan == one.plan);
    }
  }
}

TEMPLATE_LIST_TEST_CASE("a token's output does not depend on the other tokens", "[determinism]",
                        Backends) {
  Session<TestType> session;
  const std::int64_t count = scaled_for<TestType>(60);
  for (std::int64_t i = 0; i < count; ++i) {
    INFO("case " << i);
    Random random(93'000 + static_cast<std::uint64_t>(i));
    const LayerCase layer_case = random_layer(random);
    const LayerConfig& config = layer_case.config;
    const Routing routing = random.pick({Routing::gate, Routing::logits, Routing::preselected});
    CallCase call = random_call(random, layer_case, random.in(2, 80), routing);
    call.live_tokens.reset();
    MoeLayer<TestType> layer(session.backend, session.stream, config, layer_case.host());
    const std::vector<std::byte> whole = run_call(session, layer, call).output;
    std::vector<std::size_t> order(static_cast<std::size_t>(call.num_tokens));
    for (std::size_t t = 0; t < order.size(); ++t) order[t] = t;
    random.shuffle(std::span(order));
    const auto row =
        static_cast<std::size_t>(config.hidden_size) * size_of(config.activation_dtype);
    bool same = true;
    for (const std::size_t size : {std::size_t{1}, order.size() / 2, order.size()}) {
      const std::vector<std::size_t> part(order.begin(),
                                          order.begin() + static_cast<std::ptrdiff_t>(size));
      const auto output = run_call(session, layer, rows_of(call, config, part)).output;
      for (std::size_t t = 0; t < size; ++t) {
        const auto got = output.begin() + static_cast<std::ptrdiff_t>(t * row);
        same = same && std::equal(got, got + static_cast<std::ptrdiff_t>(row),
                                  whole.begin() + static_cast<std::ptrdiff_t>(part[t] * row));
      }
    }
    CHECK(same);
  }
}

TEMPLATE_LIST_TEST_CASE("a token of NaNs spoils its own row only", "[determinism]", Backends) {
  Session<TestType> session;
  Random random(94);
  LayerCase layer_case = random_layer(random, {30, 30, 8, false});
  const LayerConfig& config = layer_case.config;
  CallCase call = random_call(random, layer_case, 20, Routing::gate);
  call.live_tokens.reset();
  MoeLayer<TestType> layer(session.backend, session.stream, config, layer_case.host());
  const std::vector<std::byte> clean = run_call(session, layer, call).output;
  std::vector<double> states = call.hidden_states.values();
  const auto width = static_cast<std::size_t>(config.hidden_size);
  for (std::size_t h = 0; h < width; ++h) {
    states[7 * width + h] = std::numeric_limits<double>::quiet_NaN();
  }
  call.hidden_states = Tensor(states, config.activation_dtype, {1, 20, config.hidden_size});
  const Outcome spoiled = run_call(session, layer, call);
  const std::size_t row = width * size_of(config.activation_dtype);
  for (std::size_t t = 0; t < 20; ++t) {
    const auto begin = static_cast<std::ptrdiff_t>(t * row);
    const auto end = static_cast<std::ptrdiff_t>((t + 1) * row);
    if (t != 7) {
      CHECK(std::equal(clean.begin() + begin, clean.begin() + end, spoiled.output.begin() + begin));
    }
  }
  CHECK(spoiled.intact);
}
