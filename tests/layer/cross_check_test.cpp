// SPDX-License-Identifier: Apache-2.0
// Backends against the CPU backend: plans and weights bit for bit, outputs within the bounds of
// both.
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string>

#include "layer/support/cross_check.hpp"
#include "support/catch.hpp"
#include "support/run_call.hpp"
#include "support/scale.hpp"
#include "switchyard/backends/cpu.hpp"

using namespace switchyard;
using namespace switchyard::test;

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
