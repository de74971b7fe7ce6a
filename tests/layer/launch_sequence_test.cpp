// SPDX-License-Identifier: Apache-2.0
// What a call asks of its backend: the exact operations of each path, and no allocation of host
// memory.
#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/moe_layer_impl.hpp"
#include "layer/support/sequences.hpp"
#include "support/allocation_counter.hpp"
#include "support/catch.hpp"
#include "support/environment.hpp"
#include "support/recording_backend.hpp"
#include "support/run_call.hpp"
#include "switchyard/moe_forward.hpp"

using namespace switchyard;
using namespace switchyard::test;

TEMPLATE_LIST_TEST_CASE("the device path enqueues its stages in order and nothing else",
                        "[sequence]", Backends) {
  const std::shared_ptr<TestType> backend = BackendUnderTest<TestType>::make();
  for_each_configuration([&](const LayerCase& layer, const CallCase& call, Routing routing) {
    Recorded<TestType> recorded(backend, layer, call);
    const ForwardPath path = recorded.layer.forward_path(recorded.memory.inputs());
    const Log plan =
        expected_plan(routing, recorded.layer.forward_path(recorded.memory.inputs(), true));
    const Log experts = expected_experts(layer.config);
    CHECK(recorded.forward(true) == expected_forward(layer.config, routing, path));
    const auto route = recorded.layer.route(recorded.session.stream, recorded.memory.inputs(),
                                            recorded.intermediates, &recorded.route);
    CHECK(recorded.recorder.take_log() == plan);
    recorded.layer.run_experts(recorded.session.stream, recorded.memory.inputs(),
                               recorded.intermediates, route);
    CHECK(recorded.recorder.take_log() == experts);
  });
}

TEMPLATE_LIST_TEST_CASE("route and run_experts give what forward gives", "[sequence]", Backends) {
  Session<TestType> session;
  for_each_configuration([&](const LayerCase& layer_case, const CallCase& call, Routing) {
    MoeLayer<TestType> layer(session.backend, session.stream, layer_case.config, layer_case.host());
    for (const bool bundle : {true, false}) {
      const Outcome whole = run_call(session, layer, call, {bundle, Placement::slab, kPoisons[2]});
      CallMemory<TestType> memory(session, layer_case.config, call, Placement::slab, kPoisons[2]);
      const auto plan = layer.route(session.stream, memory.inputs(), memory.intermediates(),
                                    bundle ? &memory.route() : nullptr);
      layer.run_experts(session.stream, memory.inputs(), memory.intermediates(), plan);
      CHECK(download_plan(session.backend, session.stream, plan) == whole.plan);
      CHECK(memory.output() == whole.output);

      CallMemory<TestType> bucketed(session, layer_case.config, call, Placement::slab, kPoisons[2]);
      const MoeForwardParams<TestType> params{layer, session.stream, bucketed.inputs(),
                                              bucketed.intermediates(),
                                              bundle ? &bucketed.route() : nullptr};
      static_cast<void>(moe_forward_bucketed(params));
      CHECK(bucketed.output() == whole.output);
    }
  });
}

TEMPLATE_LIST_TEST_CASE("the host path reads back once, plans and uploads", "[sequence]",
                        Backends) {
  const std::shared_ptr<TestType> backend = BackendUnderTest<TestType>::make();
  for_each_configuration([&](const LayerCase& layer, const CallCase& call, Routing routing) {
    Recorded<TestType> recorded(backend, layer, call);
    static_cast<void>(recorded.forward(false));
    const Log log = recorded.forward(false);
    const Log gate = routing == Routing::gate ? Log{"launch gate"} : Log{};
    CHECK(launches(log) == joined(gate, expected_experts(layer.config)));
    CHECK(count(log, "allocate") == 0);
    CHECK(count(log, "make_event") == 0);
    CHECK(count(log, "make_stream") == 0);
    CHECK(count(log, "upload") == 8);
    const std::int64_t read = routing == Routing::preselected ? 2 : 1;
    CHECK(count(log, "download") == read + (call.live_tokens ? 1 : 0));
    const auto position = [&](const std::string& operation) {
      return std::find(log.begin(), log.end(), operation) - log.begin();
    };
    CHECK(position("download") < position("upload"));
    CHECK(position("upload") < position("launch gate_up"));
  });
}

TEMPLATE_LIST_TEST_CASE("a path is chosen by bundle, option and environment, in rising order",
                        "[sequence]", Backends) {
  const LayerCase layer = layer_with(false, false, false);
  const CallCase call = call_with(layer, Routing::logits, false, false);
  const auto is_device = [](const Log& log) { return count(log, "upload") == 0; };
  const std::shared_ptr<TestType> backend = BackendUnderTest<TestType>::make();
  ScopedEnvironment environment("SWITCHYARD_DEVICE_ROUTE", nullptr);
  for (const char* variable : {"", "0", "1"}) {
    for (const int option : {0, 1, 2}) {
      environment.set(variable);
      LayerOptions options;
      if (option == 1) options.route_path = RoutePath::device;
      if (option == 2) options.route_path = RoutePath::host;
      Recorded<TestType> recorded(backend, layer, call, options);
      for (const char* later : {"0", "1", "nonsense"}) {
        environment.set(later);  // read once, when the layer was made
        for (const bool bundle : {true, false}) {
          INFO("variable '" << variable << "' option " << option << " bundle " << bundle);
          const bool device = *variable != '\0' ? *variable == '1'
                              : option != 0     ? option == 1
                                                : bundle;
          CHECK(recorded.layer.route_path(bundle) ==
                (device ? RoutePath::device : RoutePath::host));
          CHECK(is_device(recorded.forward(bundle)) == device);
        }
      }
    }
  }
}

TEMPLATE_LIST_TEST_CASE("a forward allocates no host memory", "[sequence]", Backends) {
  CHECK([] {
    const std::int64_t before = allocations_of_this_thread();
    const std::vector<int> probe(10);
    return allocations_of_this_thread() - before;
  }() == 1);
  Session<TestType> session;
  for_each_configuration([&](const LayerCase& layer_case, const CallCase& call, Routing) {
    MoeLayer<TestType> layer(session.backend, session.stream, layer_case.config, layer_case.host());
    CallMemory<TestType> memory(session, layer_case.config, call, Placement::slab, kPoisons[1]);
    session.backend.synchronize(session.stream);
    const auto allocations = [&](const DeviceRouteScratch<TestType>* route) {
      const std::int64_t before = allocations_of_this_thread();
      const auto plan =
          layer.forward(session.stream, memory.inputs(), memory.intermediates(), route);
      layer.run_experts(session.stream, memory.inputs(), memory.intermediates(), plan);
      static_cast<void>(
          layer.route(session.stream, memory.inputs(), memory.intermediates(), route));
      return allocations_of_this_thread() - before;
    };
    for (int i = 0; i < 3; ++i) CHECK(allocations(&memory.route()) == 0);
    static_cast<void>(allocations(nullptr));
    for (int i = 0; i < 3; ++i) CHECK(allocations(nullptr) == 0);
  });
}

TEMPLATE_LIST_TEST_CASE("the host path's first call makes room for every later one", "[sequence]",
                        Backends) {
  const LayerCase layer_case = layer_with(true, true, false);
  Session<TestType> session;
  MoeLayer<TestType> layer(session.backend, session.stream, layer_case.config, layer_case.host());
  const MoeScratch<TestType> scratch(session.backend, plan_workspace(layer_case.config, 64));
  for (const std::int64_t tokens : {1, 64, 0, 33}) {
    Random random(73);
    CallCase call = random_call(random, layer_case, tokens, Routing::logits);
    call.live_tokens.reset();
    CallMemory<TestType> memory(session, layer_case.config, call, Placement::slab, kPoisons[1]);
    session.backend.synchronize(session.stream);
    const std::int64_t before = allocations_of_this_thread();
    static_cast<void>(
        layer.forward(session.stream, memory.inputs(), scratch.intermediates(), nullptr));
    const std::int64_t made = allocations_of_this_thread() - before;
    INFO("T " << tokens);
    if (tokens != 1) CHECK(made == 0);
  }
}
