// SPDX-License-Identifier: Apache-2.0
// Calls on streams: behind slow uploads, one after the other without waiting, and from several
// threads at once.
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

#include "support/catch.hpp"
#include "support/run_call.hpp"
#include "support/scale.hpp"

using namespace switchyard;
using namespace switchyard::test;

TEMPLATE_LIST_TEST_CASE("a forward waits for what its stream does before it", "[stream]",
                        Backends) {
  Session<TestType> session;  // a stream of its own, no default stream
  Random random(101);
  const LayerCase layer_case = random_layer(random);
  MoeLayer<TestType> layer(session.backend, session.stream, layer_case.config, layer_case.host());
  auto other = session.backend.make_stream();
  auto memory = session.backend.template allocate<std::byte>(std::size_t{1} << 20U);
  for (const bool bundle : {true, false}) {
    for (int round = 0; round < 10; ++round) {
      const CallCase call = random_call(random, layer_case, 20, Routing::gate);
      const Outcome expected =
          run_call(session, layer, call, {bundle, Placement::slab, kPoisons[1]});
      CallCase blank = call;  // what the buffers hold until the late upload has come
      blank.hidden_states =
          Tensor(std::vector<double>(call.hidden_states.values().size()),
                 layer_case.config.activation_dtype, {1, 20, layer_case.config.hidden_size});
      CallMemory<TestType> buffers(session, layer_case.config, blank, Placement::slab, kPoisons[2]);
      session.backend.synchronize(session.stream);
      for (int i = 0; i < 40; ++i) {
        session.backend.fill(session.stream, memory.span(), std::byte{1});
      }
      const auto states = call.hidden_states.bytes();
      session.backend.upload(
          session.stream,
          {static_cast<std::byte*>(const_cast<void*>(buffers.inputs().hidden_states.data)),
           states.size()},
          states);
      const auto plan = layer.forward(session.stream, buffers.inputs(), buffers.intermediates(),
                                      bundle ? &buffers.route() : nullptr);
      session.backend.synchronize(other);  // another stream's wait orders nothing
      CHECK(buffers.output() == expected.output);
      CHECK(download_plan(session.backend, session.stream, plan) == expected.plan);
    }
  }
}

TEMPLATE_LIST_TEST_CASE("forwards of one scratch follow each other without waiting", "[stream]",
                        Backends) {
  Session<TestType> session;
  Random random(102);
  const LayerCase layer_case = random_layer(random);
  MoeLayer<TestType> layer(session.backend, session.stream, layer_case.config, layer_case.host());
  const MoeScratch<TestType> scratch(session.backend, plan_workspace(layer_case.config, 40));
  std::vector<CallCase> calls;
  std::vector<std::unique_ptr<CallMemory<TestType>>> memories;
  for (int i = 0; i < 25; ++i) {
    calls.push_back(random_call(random, layer_case, random.in(0, 40), Routing::gate));
  }
  for (const CallCase& call : calls) {
    memories.push_back(std::make_unique<CallMemory<TestType>>(session, layer_case.config, call,
                                                              Placement::slab, kPoisons[1]));
  }
  for (const bool bundle : {true, false}) {
    for (std::size_t i = 0; i < calls.size(); ++i) memories[i]->rewrite(calls[i]);
    for (const auto& memory : memories) {
      const auto route = scratch.route(memory->inputs().hidden_states.rows);
      static_cast<void>(layer.forward(session.stream, memory->inputs(), scratch.intermediates(),
                                      bundle ? &route : nullptr));
    }
    for (std::size_t i = 0; i < calls.size(); ++i) {
      CHECK(memories[i]->output() == run_call(session, layer, calls[i]).output);
    }
  }
}

TEMPLATE_LIST_TEST_CASE("a scratch carries nothing from one layer's call to the next", "[stream]",
                        Backends) {
  Session<TestType> session;
  Random random(103);
  const LayerCase one = random_layer(random);
  LayerCase two = one;
  fill_tensors(random, two, false);
  MoeLayer<TestType> first(session.backend, session.stream, one.config, one.host());
  MoeLayer<TestType> second(session.backend, session.stream, two.config, two.host());
  const MoeScratch<TestType> scratch(session.backend, plan_workspace(one.config, 30));
  for (int round = 0; round < 20; ++round) {
    const CallCase call = random_call(random, one, random.in(1, 30), Routing::gate);
    MoeLayer<TestType>& layer = round % 2 == 0 ? first : second;
    CallMemory<TestType> memory(session, one.config, call, Placement::slab, kPoisons[1]);
    static_cast<void>(layer.forward(session.stream, memory.inputs(), scratch));
    CHECK(memory.output() == run_call(session, layer, call).output);
  }
}

TEMPLATE_LIST_TEST_CASE("threads run one layer at once, each with a stream and a scratch",
                        "[stream][threads]", Backends) {
  Session<TestType> session;
  Random random(104);
  const LayerCase layer_case = random_layer(random);
  MoeLayer<TestType> layer(session.backend, session.stream, layer_case.config, layer_case.host());
  constexpr std::size_t kThreads = 2;
  const auto rounds = static_cast<std::size_t>(scaled_for<TestType>(40));
  for (const bool bundle : {true, false}) {  // the host path serialises its callers
    std::array<std::vector<CallCase>, kThreads> calls;
    std::array<std::vector<std::vector<std::byte>>, kThreads> expected;
    std::array<std::int64_t, kThreads> wrong{};
    for (std::size_t thread = 0; thread < kThreads; ++thread) {
      for (std::size_t i = 0; i < rounds; ++i) {
        calls[thread].push_back(random_call(random, layer_case, random.in(0, 30), Routing::gate));
        expected[thread].push_back(run_call(session, layer, calls[thread].back()).output);
      }
    }
    std::vector<std::thread> threads;
    for (std::size_t thread = 0; thread < kThreads; ++thread) {
      threads.emplace_back([&, thread] {
        TestType& backend = session.backend;
        auto stream = backend.make_stream();
        for (std::size_t i = 0; i < rounds; ++i) {
          const CallCase& call = calls[thread][i];
          const MoeScratch<TestType> scratch(backend, plan_workspace(layer_case.config, 30));
          const auto route = scratch.route(call.num_tokens);
          const auto upload = [&](std::span<const std::byte> bytes) {
            auto buffer = backend.template allocate<std::byte>(bytes.size());
            backend.upload(stream, buffer.span(), bytes);
            return buffer;
          };
          const DType dtype = layer_case.config.activation_dtype;
          const std::int64_t hidden = layer_case.config.hidden_size;
          const auto states = upload(call.hidden_states.bytes());
          const auto residual = upload(call.residual.bytes());
          auto output = backend.template allocate<std::byte>(states.size());
          const std::int32_t live = call.live_tokens.value_or(0);
          const auto live_tokens = upload(std::as_bytes(std::span(&live, 1)));
          MoeInputs inputs;
          inputs.hidden_states = {states.span().data(), dtype, call.num_tokens, hidden};
          inputs.output = {output.span().data(), dtype, call.num_tokens, hidden};
          if (call.residual.present()) {
            inputs.residual = {residual.span().data(), dtype, call.num_tokens, hidden};
          }
          if (call.live_tokens) {
            inputs.live_tokens = {reinterpret_cast<const std::int32_t*>(live_tokens.span().data()),
                                  1};
          }
          static_cast<void>(
              layer.forward(stream, inputs, scratch.intermediates(), bundle ? &route : nullptr));
          std::vector<std::byte> result(output.size());
          backend.download(stream, result, output.span());
          backend.synchronize(stream);
          wrong[thread] += result == expected[thread][i] ? 0 : 1;
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    CHECK(wrong == std::array<std::int64_t, kThreads>{});
  }
}
