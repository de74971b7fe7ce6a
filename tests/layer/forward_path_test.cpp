// SPDX-License-Identifier: Apache-2.0
// Paths: who chooses them, what they enqueue, and that all of them leave the same.
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/moe_layer_impl.hpp"
#include "layer/support/sequences.hpp"
#include "support/archetype_backend.hpp"
#include "support/catch.hpp"
#include "support/fusing_backend.hpp"
#include "switchyard/backends/cpu.hpp"

using namespace switchyard;
using namespace switchyard::test;

namespace {

constexpr ForwardPath kPaths[] = {ForwardPath::staged, ForwardPath::route_plan,
                                  ForwardPath::fused_layer, ForwardPath::coupled_layer};

struct NoRuns : FusingOver<CpuBackend> {
  void runs() = delete;
};
struct NoChoice : FusingOver<CpuBackend> {
  void choose_path() = delete;
};
struct NoPaths : FusingOver<CpuBackend> {
  static void forward_paths() = delete;
};

/// A layer on B as a backend that fuses.
template <class B>
using Fusing = Recorded<B, FusingOver<B>>;

LayerOptions wanting(ForwardPath path) {
  LayerOptions options;
  options.forward_path = path;
  return options;
}

/// The plan and the output that a forward leaves.
template <class Layer>
Outcome outcome_of(Layer& on) {
  Outcome outcome;
  const auto plan =
      on.layer.forward(on.session.stream, on.memory.inputs(), on.intermediates, &on.route);
  outcome.plan = download_plan(on.recorder, on.session.stream, plan);
  outcome.output = on.memory.output();
  outcome.intact = on.memory.intact();
  return outcome;
}

}  // namespace

TEST_CASE("the concept of a fusing backend asks for each of its members", "[path]") {
  STATIC_REQUIRE(FusingBackend<FusingOver<CpuBackend>>);
  STATIC_REQUIRE_FALSE(FusingBackend<NoRuns>);
  STATIC_REQUIRE_FALSE(FusingBackend<NoChoice>);
  STATIC_REQUIRE_FALSE(FusingBackend<NoPaths>);
  STATIC_REQUIRE_FALSE(FusingBackend<ArchetypeBackend>);
  STATIC_REQUIRE(has_path<ArchetypeBackend>(ForwardPath::staged));
  STATIC_REQUIRE_FALSE(has_path<ArchetypeBackend>(ForwardPath::route_plan));
  STATIC_REQUIRE(has_path<FusingOver<CpuBackend>>(ForwardPath::fused_layer));
  CHECK(name(ForwardPath::staged) == "staged");
  CHECK(name(ForwardPath::route_plan) == "route_plan");
  CHECK(name(ForwardPath::fused_layer) == "fused_layer");
  CHECK(name(ForwardPath::coupled_layer) == "coupled_layer");
}

TEMPLATE_LIST_TEST_CASE("every path enqueues its stages and leaves what the stages leave", "[path]",
                        Backends) {
  const std::shared_ptr<TestType> backend = BackendUnderTest<TestType>::make();
  for_each_configuration([&](const LayerCase& layer, const CallCase& call, Routing routing) {
    std::optional<Outcome> staged;
    for (const ForwardPath path : kPaths) {
      INFO("path " << name(path));
      Fusing<TestType> on(backend, layer, call, wanting(path));
      CHECK(on.layer.forward_path(on.memory.inputs()) == path);
      CHECK(on.forward(true) == expected_forward(layer.config, routing, path));
      const Outcome outcome = outcome_of(on);
      CHECK(outcome.intact);
      if (!staged) staged = outcome;
      CHECK(outcome.plan == staged->plan);
      CHECK(outcome.output == staged->output);
    }
  });
}

TEMPLATE_LIST_TEST_CASE("route takes the path of the plan, whatever the forward takes", "[path]",
                        Backends) {
  const std::shared_ptr<TestType> backend = BackendUnderTest<TestType>::make();
  const LayerCase layer = layer_with(true, true, true);
  const CallCase call = call_with(layer, Routing::gate, true, true);
  for (const ForwardPath path : kPaths) {
    INFO("path " << name(path));
    Fusing<TestType> on(backend, layer, call, wanting(path));
    on.recorder.choice = ForwardPath::route_plan;
    const ForwardPath expected = is_whole_layer(path) ? ForwardPath::route_plan : path;
    CHECK(on.layer.forward_path(on.memory.inputs(), true) == expected);
    const auto plan =
        on.layer.route(on.session.stream, on.memory.inputs(), on.intermediates, &on.route);
    CHECK(on.recorder.take_log() == expected_plan(Routing::gate, expected));
    on.layer.run_experts(on.session.stream, on.memory.inputs(), on.intermediates, plan);
    CHECK(on.recorder.take_log() == expected_experts(layer.config));
  }
}

TEMPLATE_LIST_TEST_CASE("the backend chooses where nothing is asked or what is asked cannot run",
                        "[path]", Backends) {
  const std::shared_ptr<TestType> backend = BackendUnderTest<TestType>::make();
  const LayerCase layer = layer_with(true, false, false);
  const CallCase call = call_with(layer, Routing::logits, false, false);
  const auto path_with = [&](std::optional<ForwardPath> wanted, bool runs, ForwardPath choice) {
    LayerOptions options;
    options.forward_path = wanted;
    Fusing<TestType> on(backend, layer, call, options);
    on.recorder.can_run = [runs](ForwardPath) { return runs; };
    on.recorder.choice = choice;
    const ForwardPath path = on.layer.forward_path(on.memory.inputs());
    CHECK(on.forward(true) == expected_forward(layer.config, Routing::logits, path));
    CHECK(on.layer.describe(9).find("path " + std::string(name(path)) + ": ") != std::string::npos);
    return path;
  };
  for (const ForwardPath choice : kPaths) {
    CHECK(path_with(std::nullopt, true, choice) == choice);
    CHECK(path_with(std::nullopt, false, choice) == choice);
    for (const ForwardPath wanted : kPaths) {
      CHECK(path_with(wanted, true, choice) == wanted);
      CHECK(path_with(wanted, false, choice) == (wanted == ForwardPath::staged ? wanted : choice));
    }
  }
}

TEMPLATE_LIST_TEST_CASE("the backend is told what the host knows of a call", "[path]", Backends) {
  const std::shared_ptr<TestType> backend = BackendUnderTest<TestType>::make();
  for_each_configuration([&](const LayerCase& layer, const CallCase& call, Routing routing) {
    Fusing<TestType> on(backend, layer, call);
    static_cast<void>(on.forward(true));
    REQUIRE(on.recorder.asked.size() == 1);
    const ForwardCall& asked = on.recorder.asked.front();
    CHECK(asked.config == layer.config);
    CHECK(asked.num_tokens == call.num_tokens);
    CHECK(asked.block_size == on.layer.block_size(call.num_tokens));
    CHECK_FALSE(asked.plan_only);
    CHECK(asked.preselected == (routing == Routing::preselected));
    if (routing == Routing::logits) CHECK(asked.logits_dtype == call.router_logits.dtype());
    CHECK(asked.has_correction_bias == layer.correction_bias.present());
    CHECK(asked.has_expert_map == !layer.expert_map.empty());
    CHECK(asked.has_gate_up_bias == layer.gate_up_bias.present());
    CHECK(asked.has_down_bias == layer.down_bias.present());
    CHECK(asked.has_live_tokens == call.live_tokens.has_value());
    CHECK(asked.has_residual == call.residual.present());
    CHECK_FALSE(asked.output_is_hidden_states);
    static_cast<void>(
        on.layer.route(on.session.stream, on.memory.inputs(), on.intermediates, &on.route));
    CHECK(on.recorder.asked.back().plan_only);
  });
}

TEMPLATE_LIST_TEST_CASE("the host path fills the plan itself on a backend that fuses", "[path]",
                        Backends) {
  const std::shared_ptr<TestType> backend = BackendUnderTest<TestType>::make();
  const LayerCase layer = layer_with(false, false, false);
  const CallCase call = call_with(layer, Routing::logits, false, false);
  for (const ForwardPath path : kPaths) {
    Fusing<TestType> on(backend, layer, call, wanting(path));
    CHECK(launches(on.forward(false)) == expected_experts(layer.config));
  }
}
