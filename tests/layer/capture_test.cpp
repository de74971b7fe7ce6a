// SPDX-License-Identifier: Apache-2.0
// Forwards in graphs: replays with changed inputs and fewer live tokens, many graphs over one
// workspace, what cannot be captured.
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "support/catch.hpp"
#include "support/run_call.hpp"
#include "support/scale.hpp"
#include "switchyard/error.hpp"

using namespace switchyard;
using namespace switchyard::test;

namespace {

LayerCase capture_layer(Random& random) {
  LayerCase layer = random_layer(random, {48, 32, 10, true});
  return layer;
}

/// A call of the same kind and extents as `call` with other contents.
CallCase similar(Random& random, const LayerCase& layer, const CallCase& call, Routing routing) {
  for (;;) {
    CallCase other = random_call(random, layer, call.num_tokens, routing);
    other.residual_is_output = call.residual_is_output;
    other.output_is_hidden_states = call.output_is_hidden_states;
    if (other.residual.present() != call.residual.present()) continue;
    other.live_tokens.reset();
    if (call.live_tokens) {
      other.live_tokens = static_cast<std::int32_t>(random.in(0, call.num_tokens));
    }
    if (call.router_logits.present()) {
      other.router_logits = Tensor(other.router_logits.values(), call.router_logits.dtype(),
                                   {1, call.num_tokens, layer.config.num_experts});
    }
    return other;
  }
}

}  // namespace

TEMPLATE_LIST_TEST_CASE("a replay computes what an eager call does on the inputs of that moment",
                        "[capture]", Backends) {
  Session<TestType> session;
  const std::int64_t count = scaled_for<TestType>(60);
  for (std::int64_t i = 0; i < count; ++i) {
    INFO("case " << i);
    Random random(81'000 + static_cast<std::uint64_t>(i));
    const LayerCase layer_case = capture_layer(random);
    const Routing routing = random.pick({Routing::gate, Routing::logits, Routing::preselected});
    CallCase call = random_call(random, layer_case, random.in(1, 40), routing);
    if (random.chance(0.6)) call.live_tokens = static_cast<std::int32_t>(call.num_tokens);
    MoeLayer<TestType> layer(session.backend, session.stream, layer_case.config, layer_case.host());
    CallMemory<TestType> memory(session, layer_case.config, call, Placement::slab, kPoisons[1]);
    session.backend.synchronize(session.stream);
    RoutePlan<TestType> plan;
    const auto graph = session.backend.capture(session.stream, [&] {
      plan =
          layer.forward(session.stream, memory.inputs(), memory.intermediates(), &memory.route());
    });
    for (int replay = 0; replay < 5; ++replay) {
      const CallCase changed = replay == 0 ? call : similar(random, layer_case, call, routing);
      const Outcome eager = run_call(session, layer, changed);
      memory.rewrite(changed);
      session.backend.replay(session.stream, graph);
      CHECK(memory.output() == eager.output);
      CHECK(download_plan(session.backend, session.stream, plan) == eager.plan);
    }
    CHECK(memory.intact());
  }
}

TEMPLATE_LIST_TEST_CASE("rows beyond the live tokens are never read and come out zero", "[capture]",
                        Backends) {
  Session<TestType> session;
  Random random(82);
  for (const Routing routing : {Routing::gate, Routing::logits, Routing::preselected}) {
    LayerCase layer_case = capture_layer(random);
    const LayerConfig& config = layer_case.config;
    CallCase call = random_call(random, layer_case, 16, routing);
    call.live_tokens = 16;
    MoeLayer<TestType> layer(session.backend, session.stream, config, layer_case.host());
    CallMemory<TestType> memory(session, config, call, Placement::slab, kPoisons[1]);
    session.backend.synchronize(session.stream);
    const auto graph = session.backend.capture(session.stream, [&] {
      static_cast<void>(
          layer.forward(session.stream, memory.inputs(), memory.intermediates(), &memory.route()));
    });
    const std::size_t row =
        static_cast<std::size_t>(config.hidden_size) * size_of(config.activation_dtype);
    for (std::int32_t live = 16; live >= 0; live -= 5) {
      INFO("routing " << static_cast<int>(routing) << " live " << live);
      CallCase fewer = call;
      fewer.live_tokens = live;
      const auto alive = static_cast<std::size_t>(live);
      std::vector<double> states = call.hidden_states.values();
      for (std::size_t e = alive * static_cast<std::size_t>(config.hidden_size); e < states.size();
           ++e) {
        states[e] = std::numeric_limits<double>::quiet_NaN();
      }
      fewer.hidden_states = Tensor(states, config.activation_dtype, {1, 16, config.hidden_size});
      for (std::size_t p = alive * static_cast<std::size_t>(config.top_k);
           p < fewer.selected_ids.size(); ++p) {
        fewer.selected_ids[p] = 0;
        fewer.pair_weights[p] = std::numeric_limits<float>::quiet_NaN();
      }
      memory.rewrite(fewer);
      session.backend.replay(session.stream, graph);
      const std::vector<std::byte> output = memory.output();
      CallCase whole = call;
      const Outcome all = run_call(session, layer, whole);
      CHECK(std::equal(output.begin(), output.begin() + static_cast<std::ptrdiff_t>(alive * row),
                       all.output.begin()));
      CHECK(std::all_of(output.begin() + static_cast<std::ptrdiff_t>(alive * row), output.end(),
                        [](std::byte b) { return b == std::byte{0}; }));
    }
  }
}

TEMPLATE_LIST_TEST_CASE("many graphs over one workspace replay in any order", "[capture]",
                        Backends) {
  Session<TestType> session;
  Random random(83);
  LayerCase layer_case = capture_layer(random);
  MoeLayer<TestType> layer(session.backend, session.stream, layer_case.config, layer_case.host());
  constexpr std::int64_t kGraphs = 32;
  const MoeScratch<TestType> scratch(session.backend, plan_workspace(layer_case.config, kGraphs));
  std::vector<CallCase> calls;
  std::vector<std::unique_ptr<CallMemory<TestType>>> memories;
  std::vector<typename TestType::Graph> graphs;
  for (std::int64_t tokens = 1; tokens <= kGraphs; ++tokens) {
    calls.push_back(random_call(random, layer_case, tokens, Routing::gate));
    memories.push_back(std::make_unique<CallMemory<TestType>>(
        session, layer_case.config, calls.back(), Placement::slab, kPoisons[1]));
    session.backend.synchronize(session.stream);
    graphs.push_back(session.backend.capture(session.stream, [&] {
      static_cast<void>(layer.forward(session.stream, memories.back()->inputs(), scratch));
    }));
  }
  const std::int64_t replays = scaled_for<TestType>(200);
  for (std::int64_t i = 0; i < replays; ++i) {
    const auto g = static_cast<std::size_t>(random.in(0, kGraphs - 1));
    const CallCase changed = similar(random, layer_case, calls[g], Routing::gate);
    memories[g]->rewrite(changed);
    session.backend.replay(session.stream, graphs[g]);
    if (memories[g]->output() != run_call(session, layer, changed).output) {
      FAIL("replay " << i << " of the graph for " << g + 1 << " tokens differs");
    }
  }
  SUCCEED();
}

TEMPLATE_LIST_TEST_CASE("what waits for the device cannot be captured", "[capture]", Backends) {
  Session<TestType> session;
  Random random(84);
  const LayerCase layer_case = capture_layer(random);
  const LayerConfig& config = layer_case.config;
  CallCase call = random_call(random, layer_case, 6, Routing::gate);
  call.residual_is_output = call.output_is_hidden_states = false;
  MoeLayer<TestType> layer(session.backend, session.stream, config, layer_case.host());
  LayerOptions on_host;
  on_host.route_path = RoutePath::host;
  MoeLayer<TestType> host(session.backend, session.stream, config, layer_case.host(), on_host);
  LayerOptions on_device;
  on_device.route_path = RoutePath::device;
  MoeLayer<TestType> device(session.backend, session.stream, config, layer_case.host(), on_device);
  const Outcome expected = run_call(session, layer, call);
  CallMemory<TestType> memory(session, config, call, Placement::slab, kPoisons[1]);
  session.backend.synchronize(session.stream);

  const auto refused = [&](auto&& enqueue) {
    try {
      static_cast<void>(session.backend.capture(session.stream, enqueue));
    } catch (const Error& error) {
      CHECK(error.code() == ErrorCode::not_capturable);
      CHECK(std::string(error.what()).find("captured") != std::string::npos);
      CHECK_FALSE(session.stream.is_capturing());
      return;
    }
    FAIL("the capture was not refused");
  };
  for (MoeLayer<TestType>* each : {&layer, &host, &device}) {
    refused([&] {
      static_cast<void>(
          each->forward(session.stream, memory.inputs(), memory.intermediates(), nullptr));
    });
    refused([&] {
      static_cast<void>(
          each->route(session.stream, memory.inputs(), memory.intermediates(), nullptr));
    });
  }
  refused([&] {
    static_cast<void>(
        host.forward(session.stream, memory.inputs(), memory.intermediates(), &memory.route()));
  });
  refused([&] {
    MoeLayer<TestType> fresh(session.backend, session.stream, config, layer_case.host());
  });
  static_cast<void>(
      layer.forward(session.stream, memory.inputs(), memory.intermediates(), &memory.route()));
  CHECK(memory.output() == expected.output);
  const Outcome after = run_call(session, host, call, {false, Placement::slab, kPoisons[0]});
  CHECK(after.output == expected.output);
}

TEMPLATE_LIST_TEST_CASE("route and run_experts are captured apart", "[capture]", Backends) {
  Session<TestType> session;
  Random random(85);
  const LayerCase layer_case = capture_layer(random);
  CallCase call = random_call(random, layer_case, 12, Routing::gate);
  MoeLayer<TestType> layer(session.backend, session.stream, layer_case.config, layer_case.host());
  const Outcome eager = run_call(session, layer, call);
  CallMemory<TestType> memory(session, layer_case.config, call, Placement::separate, kPoisons[1]);
  session.backend.synchronize(session.stream);
  RoutePlan<TestType> plan;
  const auto route = session.backend.capture(session.stream, [&] {
    plan = layer.route(session.stream, memory.inputs(), memory.intermediates(), &memory.route());
  });
  const auto experts = session.backend.capture(session.stream, [&] {
    layer.run_experts(session.stream, memory.inputs(), memory.intermediates(), plan);
  });
  session.backend.replay(session.stream, route);
  session.backend.replay(session.stream, experts);
  CHECK(memory.output() == eager.output);
}
