// SPDX-License-Identifier: Apache-2.0
// Bundles whose buffers are longer than the call needs: every element is defined all the same.
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "support/catch.hpp"
#include "support/run_call.hpp"

using namespace switchyard;
using namespace switchyard::test;

TEMPLATE_LIST_TEST_CASE("buffers longer than the call needs are filled to their ends", "[plan]",
                        Backends) {
  Session<TestType> session;
  Random random(121);
  LayerCase layer_case = random_layer(random, {12, 12, 1, false});
  LayerConfig& config = layer_case.config;
  config.num_experts = 7;
  config.top_k = 3;
  config.router = RouterConfig{};
  layer_case.gate_up_bias = layer_case.down_bias = layer_case.router_bias =
      layer_case.correction_bias = Tensor();
  fill_tensors(random, layer_case, false);
  const WorkspacePlan workspace = plan_workspace(config, 40);
  for (const RoutePath path : {RoutePath::device, RoutePath::host}) {
    for (const std::int32_t block_size : kBlockSizes) {
      LayerOptions options;
      options.route_path = path;
      options.block_size = block_size;
      MoeLayer<TestType> layer(session.backend, session.stream, config, layer_case.host(), options);
      for (const std::int64_t tokens : {0, 1, 9, 40}) {
        INFO(name(path) << " T " << tokens << " block size " << block_size);
        CallCase call = random_call(random, layer_case, tokens, Routing::logits);
        const Outcome exact = run_call(session, layer, call);
        PlanContent first;
        for (const std::byte poison : kPoisons) {
          const Guarded<TestType, std::byte> slab(session.backend, session.stream,
                                                  workspace.total_bytes, poison);
          const MoeScratch<TestType> scratch(slab.span(), workspace);
          const auto route = scratch.route(40);
          CallMemory<TestType> memory(session, config, call, Placement::slab, poison);
          const auto plan =
              layer.forward(session.stream, memory.inputs(), scratch.intermediates(), &route);
          const PlanContent content = download_plan(session.backend, session.stream, plan);
          std::vector<std::int32_t> ids = exact.plan.integers.selected_ids;
          ids.resize(static_cast<std::size_t>(tokens * config.top_k));
          CHECK(content.integers ==
                oracle::plan(ids, {}, 3, 7, block_size,
                             {route.selected_ids.size(), route.sorted_tokens.size(),
                              route.block_ids.size()}));
          if (poison == kPoisons[0]) first = content;
          CHECK(content == first);
          CHECK(memory.output() == exact.output);
          CHECK(slab.intact(session.stream));
        }
      }
    }
  }
}

TEMPLATE_LIST_TEST_CASE("a moved layer and a moved scratch work on", "[layer]", Backends) {
  Session<TestType> session;
  Random random(122);
  const LayerCase one = random_layer(random);
  const CallCase call = random_call(random, one, 8, Routing::gate);
  MoeLayer<TestType> layer(session.backend, session.stream, one.config, one.host());
  const std::vector<std::byte> expected = run_call(session, layer, call).output;
  MoeLayer<TestType> moved(std::move(layer));
  CHECK(moved.config() == one.config);
  CHECK(run_call(session, moved, call).output == expected);
  const LayerCase two = random_layer(random);
  MoeLayer<TestType> assigned(session.backend, session.stream, two.config, two.host());
  assigned = std::move(moved);
  CHECK(run_call(session, assigned, call, {false, Placement::slab, kPoisons[0]}).output ==
        expected);

  MoeScratch<TestType> scratch(session.backend, plan_workspace(one.config, 8));
  const auto* address = scratch.route(8).selected_ids.data();
  const MoeScratch<TestType> kept(std::move(scratch));
  CHECK(kept.route(8).selected_ids.data() == address);
  CallMemory<TestType> memory(session, one.config, call, Placement::slab, kPoisons[1]);
  static_cast<void>(assigned.forward(session.stream, memory.inputs(), kept));
  CHECK(memory.output() == expected);
}

TEMPLATE_LIST_TEST_CASE("a layer describes itself in one line", "[layer]", Backends) {
  Session<TestType> session;
  Random random(123);
  for (int i = 0; i < 20; ++i) {
    const LayerCase layer_case = random_layer(random);
    const MoeLayer<TestType> layer(session.backend, session.stream, layer_case.config,
                                   layer_case.host());
    const std::string text = layer.describe(17);
    INFO(text);
    CHECK(text.find('\n') == std::string::npos);
    for (const std::int64_t number :
         {std::int64_t{17}, layer_case.config.hidden_size, layer_case.config.intermediate_size,
          layer_case.config.num_experts, layer_case.config.top_k}) {
      CHECK(text.find(std::to_string(number)) != std::string::npos);
    }
    for (const std::string_view word :
         {name(layer_case.config.activation_dtype), name(layer_case.config.weight_dtype),
          name(layer_case.config.router.score), std::string_view("route"),
          std::string_view("gate_up"), std::string_view("combine")}) {
      CHECK(text.find(word) != std::string::npos);
    }
  }
}
