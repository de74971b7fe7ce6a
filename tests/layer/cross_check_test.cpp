// SPDX-License-Identifier: Apache-2.0
// Backends against the CPU backend: plans and weights bit for bit, outputs within the bounds of
// both.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "support/catch.hpp"
#include "support/run_call.hpp"
#include "support/scale.hpp"
#include "switchyard/backends/cpu.hpp"

using namespace switchyard;
using namespace switchyard::test;

namespace {

/// A layer and a call whose choice of experts is unambiguous, with the bounds of its output.
struct CrossDraw {
  LayerCase layer;
  LayerOptions options;
  CallCase call;
  std::vector<Bounded> output;
};

CrossDraw draw_cross_check(Random& random, const LayerBounds& bounds, std::int64_t max_tokens) {
  CrossDraw drawn;
  for (;;) {
    drawn.layer = random_layer(random, bounds);
    drawn.options.block_size = random.pick({16, 32, 64});
    const Routing routing = random.pick({Routing::gate, Routing::logits, Routing::preselected});
    drawn.call = random_call(random, drawn.layer, random.in(0, max_tokens), routing);
    const oracle::Result result =
        oracle::forward(drawn.layer.config, drawn.layer.reference(), drawn.call.reference());
    drawn.output = result.output;
    if (!result.ambiguous) return drawn;
  }
}

/// What of `outcome` disagrees with the CPU's, or nothing. Two results that are each within
/// `bounds` of the exact one are within twice of each other.
std::string disagreement(const CrossDraw& drawn, const Outcome& outcome, const Outcome& cpu) {
  if (outcome.plan.integers != cpu.plan.integers) return "the plans differ";
  if (outcome.plan.weight_bits != cpu.plan.weight_bits) return "the weights differ";
  if (!outcome.intact) return "a canary is gone";
  const DType dtype = drawn.layer.config.activation_dtype;
  const std::vector<double> values = decode_all(outcome.output, dtype);
  const std::vector<double> cpu_values = decode_all(cpu.output, dtype);
  for (std::size_t i = 0; i < drawn.output.size(); ++i) {
    const double bound = 2.0 * drawn.output[i].bound;
    if (values[i] == cpu_values[i] || std::isinf(bound)) continue;  // infinite: it overflows
    const double error = std::abs(values[i] - cpu_values[i]);
    if (!(error <= bound))
      return "the output is off by " + std::to_string(error / bound) + " bounds";
  }
  return "";
}

}  // namespace

TEMPLATE_LIST_TEST_CASE("random layers agree with the CPU backend on both paths", "[cross_check]",
                        Backends) {
  Session<CpuBackend> cpu_session;
  Session<TestType> session;
  const std::int64_t count = scaled_for<TestType>(1000);
  for (std::int64_t i = 0; i < count; ++i) {
    Random random(9'100'000 + static_cast<std::uint64_t>(i));
    const CrossDraw drawn = draw_cross_check(random, {130, 90, 48, true}, 96);
    const LayerConfig& config = drawn.layer.config;
    MoeLayer<CpuBackend> cpu_layer(cpu_session.backend, cpu_session.stream, config,
                                   drawn.layer.host(), drawn.options);
    MoeLayer<TestType> layer(session.backend, session.stream, config, drawn.layer.host(),
                             drawn.options);
    const Placement placement = random.pick({Placement::slab, Placement::separate});
    const std::byte poison = kPoisons[static_cast<std::size_t>(i) % std::size(kPoisons)];
    for (const bool bundle : {true, false}) {
      const RunOptions options{bundle, placement, poison};
      const Outcome cpu = run_call(cpu_session, cpu_layer, drawn.call, options);
      const std::string wrong =
          disagreement(drawn, run_call(session, layer, drawn.call, options), cpu);
      if (!wrong.empty())
        FAIL("case " << i << ", " << (bundle ? "device" : "host") << " path: " << wrong << "; T "
                     << drawn.call.num_tokens << " " << describe(config));
    }
  }
  SUCCEED();
}

TEMPLATE_LIST_TEST_CASE("small layers agree with the CPU backend, eager and in a graph",
                        "[cross_check][captured]", Backends) {
  Session<CpuBackend> cpu_session;
  Session<TestType> session;
  const std::int64_t count = scaled_for<TestType>(200);
  for (std::int64_t i = 0; i < count; ++i) {
    INFO("case " << i);
    Random random(9'200'000 + static_cast<std::uint64_t>(i));
    const CrossDraw drawn = draw_cross_check(random, {40, 40, 12, true}, 12);
    const LayerConfig& config = drawn.layer.config;
    MoeLayer<CpuBackend> cpu_layer(cpu_session.backend, cpu_session.stream, config,
                                   drawn.layer.host(), drawn.options);
    MoeLayer<TestType> layer(session.backend, session.stream, config, drawn.layer.host(),
                             drawn.options);
    const Outcome cpu = run_call(cpu_session, cpu_layer, drawn.call);
    CHECK(disagreement(drawn, run_call(session, layer, drawn.call), cpu).empty());

    CallMemory<TestType> memory(session, config, drawn.call, Placement::slab, kPoisons[0]);
    session.backend.synchronize(session.stream);
    RoutePlan<TestType> plan;
    const auto graph = session.backend.capture(session.stream, [&] {
      plan =
          layer.forward(session.stream, memory.inputs(), memory.intermediates(), &memory.route());
    });
    for (int replay = 0; replay < 2; ++replay) {
      memory.rewrite(drawn.call);
      session.backend.replay(session.stream, graph);
      Outcome replayed;
      replayed.plan = download_plan(session.backend, session.stream, plan);
      replayed.output = memory.output();
      replayed.intact = memory.intact();
      CHECK(disagreement(drawn, replayed, cpu).empty());
    }
  }
}
