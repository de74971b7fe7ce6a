// SPDX-License-Identifier: Apache-2.0
// Route and plan as one stage leave what the two leave, bit for bit, whatever the tiles: on both
// sides of each number of tokens where the launches change, and for random layers.
#include <algorithm>
#include <cstdint>
#include <vector>

#include "kernels/route_plan/params.hpp"
#include "support/catch.hpp"
#include "support/run_call.hpp"
#include "support/scale.hpp"

using namespace switchyard;
using namespace switchyard::test;

namespace {

constexpr Routing kRoutings[] = {Routing::logits, Routing::preselected};

/// A layer that routes and hardly computes.
LayerCase small_layer(std::uint64_t seed, std::int64_t num_experts, std::int64_t top_k,
                      std::int64_t num_local_experts) {
  Random random(seed);
  LayerCase layer;
  LayerConfig& config = layer.config;
  config.hidden_size = config.intermediate_size = 1;
  config.num_experts = num_experts;
  config.top_k = top_k;
  config.router = routers::qwen3_moe(true);
  if (num_local_experts < num_experts) {  // several experts may share a local one
    config.num_local_experts = num_local_experts;
    for (std::int64_t e = 0; e < num_experts; ++e) {
      layer.expert_map.push_back(static_cast<std::int32_t>(random.in(-1, num_local_experts - 1)));
    }
  }
  fill_tensors(random, layer, false);
  return layer;
}

/// The plan that MoeLayer::route leaves in poisoned memory.
template <class B>
PlanContent plan_on(Session<B>& session, const LayerCase& layer_case, const CallCase& call,
                    ForwardPath path, std::byte poison) {
  LayerOptions options;
  options.forward_path = path;
  MoeLayer<B> layer(session.backend, session.stream, layer_case.config, layer_case.host(), options);
  CallMemory<B> memory(session, layer_case.config, call, Placement::separate, poison);
  CHECK(layer.forward_path(memory.inputs(), true) == path);
  const auto plan =
      layer.route(session.stream, memory.inputs(), memory.intermediates(), &memory.route());
  const PlanContent content = download_plan(session.backend, session.stream, plan);
  CHECK(memory.intact());
  return content;
}

template <class B>
void check_both_paths(Session<B>& session, const LayerCase& layer, const CallCase& call) {
  const PlanContent staged = plan_on(session, layer, call, ForwardPath::staged, kPoisons[0]);
  const PlanContent fused = plan_on(session, layer, call, ForwardPath::route_plan, kPoisons[1]);
  CHECK(fused.integers.selected_ids == staged.integers.selected_ids);
  CHECK(fused.integers.pairs_by_token == staged.integers.pairs_by_token);
  CHECK(fused.integers.packed_token_idx == staged.integers.packed_token_idx);
  CHECK(fused.integers.expert_offsets == staged.integers.expert_offsets);
  CHECK(fused.integers.sorted_tokens == staged.integers.sorted_tokens);
  CHECK(fused.integers.block_ids == staged.integers.block_ids);
  CHECK(fused.integers.total_post_pad == staged.integers.total_post_pad);
  CHECK(fused.weight_bits == staged.weight_bits);
}

}  // namespace

TEST_CASE("scratch for many tokens serves every smaller number of them", "[plan]") {
  for (const std::int64_t experts : {1, 2, 7, 128, 4096}) {
    for (const std::int64_t top_k : {1, 2, 8, 63, 64}) {
      std::int64_t before = 0;
      for (std::int64_t tokens = 0; tokens <= 40'000; tokens += tokens < 3000 ? 1 : 7) {
        const std::int64_t size = kernels::route_plan_scratch_size(tokens, top_k, experts);
        const std::int64_t tiles = kernels::route_plan_tiles(static_cast<std::int32_t>(tokens),
                                                             static_cast<std::int32_t>(top_k));
        const std::int64_t counts = tiles * ((experts + 1) / 2);
        if (size < before || size < (tiles > 1 ? counts : 0) ||
            (tiles > kernels::kFewTiles && size < counts + (tiles + 1) * experts)) {
          FAIL("T " << tokens << " K " << top_k << " E " << experts << ": " << size);
        }
        before = size;
      }
    }
  }
}

TEMPLATE_LIST_TEST_CASE("one stage plans as two do on both sides of each change of launches",
                        "[plan]", Backends) {
  if constexpr (has_path<TestType>(ForwardPath::route_plan)) {
    struct Extents {
      std::int64_t experts, top_k, local;
    };
    Session<TestType> session;
    for (const Extents& extents : {Extents{8, 2, 8}, Extents{33, 5, 33}, Extents{128, 8, 128},
                                   Extents{40, 9, 3}, Extents{1, 1, 1}}) {
      const LayerCase layer = small_layer(91, extents.experts, extents.top_k, extents.local);
      for (const std::int64_t tokens : {0, 1, 7, 8, 9, 15, 16, 17, 63, 65, 127, 128, 129}) {
        for (const Routing routing : kRoutings) {
          INFO("T " << tokens << " E " << extents.experts << " K " << extents.top_k << " local "
                    << extents.local << " routing " << static_cast<int>(routing));
          Random random(static_cast<std::uint64_t>(92 + tokens));
          check_both_paths(session, layer, random_call(random, layer, tokens, routing));
        }
      }
    }
  }
}

TEMPLATE_LIST_TEST_CASE("one stage plans as two do where a tile grows and where tiles are many",
                        "[plan]", Backends) {
  if constexpr (has_path<TestType>(ForwardPath::route_plan)) {
    Session<TestType> session;
    const LayerCase narrow = small_layer(93, 6, 2, 6);
    const LayerCase wide = small_layer(94, 64, 64, 5);  // a tile has 16 tokens at most
    const auto check = [&](const LayerCase& layer, std::int64_t tokens, Routing routing) {
      INFO("T " << tokens << " K " << layer.config.top_k << " routing "
                << static_cast<int>(routing));
      Random random(static_cast<std::uint64_t>(95 + tokens));
      check_both_paths(session, layer, random_call(random, layer, tokens, routing));
    };
    for (const std::int64_t tokens : {1024, 1025}) check(narrow, tokens, Routing::logits);
    for (const std::int64_t tokens : {2048, 2049}) check(wide, tokens, Routing::preselected);
    check(narrow, 2049, Routing::logits);
    for (const std::int64_t tokens : {16'384, 16'385}) check(narrow, tokens, Routing::preselected);
  }
}

TEMPLATE_LIST_TEST_CASE("one stage plans as two do for random layers", "[plan]", Backends) {
  if constexpr (has_path<TestType>(ForwardPath::route_plan)) {
    Session<TestType> session;
    const std::int64_t cases = scaled_for<TestType>(1500);
    for (std::int64_t number = 0; number < cases; ++number) {
      Random random(static_cast<std::uint64_t>(96'000 + number));
      LayerBounds bounds;
      bounds.hidden_size = bounds.intermediate_size = 2;
      bounds.num_experts = random.pick<std::int64_t>({4, 32, 128});
      const LayerCase layer = random_layer(random, bounds);
      const std::int64_t tokens = random.in(0, random.pick<std::int64_t>({3, 20, 90}));
      const Routing routing = random.pick({Routing::logits, Routing::gate, Routing::preselected});
      INFO("case " << number << " T " << tokens << " " << describe(layer.config));
      check_both_paths(session, layer, random_call(random, layer, tokens, routing));
    }
  }
}
