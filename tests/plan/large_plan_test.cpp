// SPDX-License-Identifier: Apache-2.0
// Plans of many pairs and many experts, against the oracle: both sides of the numbers of pairs from
// which a plan takes several launches, and from which its tiles grow.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "support/catch.hpp"
#include "support/run_call.hpp"
#include "support/scale.hpp"

using namespace switchyard;
using namespace switchyard::test;

namespace {

/// A layer that is all router: its experts are as small as can be.
LayerCase routing_layer(std::int64_t num_experts, std::int64_t top_k) {
  Random random(91);
  LayerCase layer;
  layer.config.hidden_size = 1;
  layer.config.intermediate_size = 1;
  layer.config.num_experts = num_experts;
  layer.config.top_k = top_k;
  layer.config.activation_dtype = DType::bf16;
  layer.config.weight_dtype = DType::bf16;
  fill_tensors(random, layer, false);
  return layer;
}

/// The caller's own choice: uniform, or nearly all pairs on one expert; a few are skipped.
CallCase preselected_call(const LayerConfig& config, std::int64_t num_tokens, bool skewed) {
  CallCase call;
  call.num_tokens = num_tokens;
  call.hidden_states = Tensor(std::vector<double>(static_cast<std::size_t>(num_tokens), 0.5),
                              config.activation_dtype, {1, num_tokens, 1});
  const auto pairs = static_cast<std::size_t>(num_tokens * config.top_k);
  call.selected_ids.resize(pairs);
  call.pair_weights.assign(pairs, 1.0F);
  std::uint64_t state = 17;
  for (std::int32_t& id : call.selected_ids) {
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    const auto draw = static_cast<std::int64_t>(state >> 33U);
    const bool hot = skewed && draw % 100 < 97;
    id = draw % 251 == 0 ? -1
         : hot           ? 0
                         : static_cast<std::int32_t>(draw / 251 % config.num_experts);
  }
  return call;
}

/// Whether the backend's plan is the oracle's.
template <class B>
bool plan_is_right(const LayerCase& layer_case, const CallCase& call) {
  const LayerConfig& config = layer_case.config;
  Session<B> session;
  MoeLayer<B> layer(session.backend, session.stream, config, layer_case.host());
  CallMemory<B> memory(session, config, call, Placement::slab, kPoisons[1]);
  const RoutePlan<B> plan =
      layer.route(session.stream, memory.inputs(), memory.intermediates(), &memory.route());
  const PlanContent got = download_plan(session.backend, session.stream, plan);
  const oracle::PlanExtents extents{got.integers.selected_ids.size(),
                                    got.integers.sorted_tokens.size(),
                                    got.integers.block_ids.size()};
  return memory.intact() &&
         got.integers == oracle::plan(call.selected_ids, {}, static_cast<std::size_t>(config.top_k),
                                      static_cast<std::size_t>(config.num_experts), got.block_size,
                                      extents);
}

/// `count`, or less where the environment or the backend asks for less.
template <class B>
std::int64_t many_tokens(std::int64_t count) {
  return std::min(count, scaled_for<B>(count));
}

}  // namespace

TEMPLATE_LIST_TEST_CASE("plans on both sides of the switch from one launch to several",
                        "[plan][large]", Backends) {
  for (const std::int64_t num_experts : {1, 7, 128, 4096}) {
    const LayerCase layer = routing_layer(num_experts, 1);
    for (const std::int64_t num_tokens : {2047, 2048, 2049, 5000}) {
      for (const bool skewed : {false, true}) {
        INFO("E " << num_experts << " T " << num_tokens << " skewed " << skewed);
        CHECK(plan_is_right<TestType>(layer, preselected_call(layer.config, num_tokens, skewed)));
      }
    }
  }
}

TEMPLATE_LIST_TEST_CASE("plans on both sides of the size from which tiles grow", "[plan][large]",
                        Backends) {
  const LayerCase layer = routing_layer(60, 1);
  for (const std::int64_t num_tokens :
       {many_tokens<TestType>(524'288), many_tokens<TestType>(524'288) + 1}) {
    INFO("T " << num_tokens);
    CHECK(plan_is_right<TestType>(layer, preselected_call(layer.config, num_tokens, false)));
  }
}

TEMPLATE_LIST_TEST_CASE("the plan of a million tokens", "[plan][large]", Backends) {
  const LayerCase layer = routing_layer(16, 1);
  CHECK(plan_is_right<TestType>(
      layer, preselected_call(layer.config, many_tokens<TestType>(1'048'576), true)));
}

TEMPLATE_LIST_TEST_CASE("the plan of a million pairs of 4096 experts", "[plan][large]", Backends) {
  const LayerCase layer = routing_layer(4096, 64);
  CHECK(plan_is_right<TestType>(
      layer, preselected_call(layer.config, many_tokens<TestType>(16'384), false)));
}
