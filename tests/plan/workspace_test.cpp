// SPDX-License-Identifier: Apache-2.0
// plan_workspace against a closed formula in 128-bit arithmetic, up to the limits.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "support/catch.hpp"
#include "support/layer_case.hpp"
#include "support/run_call.hpp"
#include "support/scale.hpp"
#include "switchyard/limits.hpp"
#include "switchyard/workspace.hpp"

using namespace switchyard;
using namespace switchyard::test;

namespace {

__extension__ using Wide = unsigned __int128;

Wide round_up(Wide value, Wide multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

/// The regions in the order of the slab, with the bytes that each must have. The scratch of the
/// plan stage is the backend's own affair: its size is taken as it is.
std::vector<std::pair<WorkspaceRegion, Wide>> regions(const WorkspacePlan& plan) {
  const LayerConfig& config = plan.config;
  const auto tokens = static_cast<Wide>(plan.max_tokens);
  const Wide pairs = tokens * static_cast<Wide>(config.top_k);
  const auto experts = static_cast<Wide>(config.local_experts());
  const Wide active = std::min(pairs, experts);
  const Wide element = size_of(config.activation_dtype);
  const auto hidden = static_cast<Wide>(config.hidden_size);
  const auto shared = static_cast<Wide>(config.shared_expert.intermediate_size);
  return {{plan.selected_ids, 4 * pairs},
          {plan.pair_weights, 4 * pairs},
          {plan.pairs_by_token, 4 * pairs},
          {plan.packed_token_idx, 4 * pairs},
          {plan.expert_offsets, 4 * (experts + 1)},
          {plan.sorted_tokens, 4 * round_up(pairs + active * 63, 64)},
          {plan.block_ids, 4 * (round_up(pairs + active * 15, 16) / 16)},
          {plan.total_post_pad, 4},
          {plan.plan_scratch, plan.plan_scratch.bytes},
          {plan.router_logits, 4 * tokens * static_cast<Wide>(config.num_experts)},
          {plan.activated, element * pairs * static_cast<Wide>(config.intermediate_size)},
          {plan.expert_rows, element * pairs * hidden},
          {plan.shared_activated, element * tokens * shared},
          {plan.shared_rows, shared == 0 ? 0 : element * tokens * hidden},
          {plan.shared_gate, config.shared_expert.gated ? 4 * tokens : 0}};
}

void check_plan(const WorkspacePlan& plan) {
  Wide end = 0;
  for (const auto& [region, bytes] : regions(plan)) {
    REQUIRE(static_cast<Wide>(region.bytes) == bytes);
    REQUIRE(static_cast<Wide>(region.offset) == end);
    REQUIRE(region.offset % WorkspacePlan::kAlignment == 0);
    end = round_up(end + bytes, WorkspacePlan::kAlignment);
  }
  REQUIRE(static_cast<Wide>(plan.total_bytes) == end);
}

}  // namespace

TEST_CASE("the slab is exactly its regions", "[workspace]") {
  Random random(41);
  const std::int64_t count = scaled(2000);
  for (std::int64_t i = 0; i < count; ++i) {
    LayerConfig config;
    config.hidden_size = random.in(1, 9000);
    config.intermediate_size = random.in(1, 9000);
    config.num_experts = random.in(1, 600);
    config.num_local_experts = random.chance(0.3) ? random.in(1, config.num_experts) : 0;
    config.top_k = random.in(1, std::min<std::int64_t>(config.num_experts, 64));
    config.activation_dtype = random.pick({DType::f32, DType::bf16, DType::f16});
    if (random.chance(0.4)) {
      config.shared_expert.intermediate_size = random.in(1, 9000);
      config.shared_expert.gated = random.chance(0.5);
    }
    const std::int64_t tokens = random.chance(0.1) ? 0 : random.in(1, 5000);
    INFO(describe(config) << " T " << tokens);
    const WorkspacePlan plan = plan_workspace(config, tokens);
    REQUIRE(plan.config == config);
    REQUIRE(plan.max_tokens == tokens);
    check_plan(plan);
  }
}

TEST_CASE("nothing overflows at the limits", "[workspace]") {
  for (const std::int64_t experts : {limits::kMaxTopK, limits::kMaxExperts}) {
    for (const std::int64_t tokens :
         {std::int64_t{65'535}, std::int64_t{65'536}, std::int64_t{305'000}, limits::kMaxTokens}) {
      for (const DType dtype : {DType::f32, DType::bf16}) {
        LayerConfig config;
        config.hidden_size = limits::kMaxHiddenSize;
        config.intermediate_size = limits::kMaxIntermediateSize;
        config.num_experts = experts;
        config.top_k = limits::kMaxTopK;
        config.activation_dtype = dtype;
        config.shared_expert = {limits::kMaxIntermediateSize, true};
        INFO("E " << experts << " T " << tokens);
        const WorkspacePlan plan = plan_workspace(config, tokens);
        check_plan(plan);
        CHECK(plan.expert_rows.bytes ==
              size_of(dtype) * static_cast<std::size_t>(tokens) * 64U * (std::size_t{1} << 20U));
        CHECK(plan.total_bytes > plan.expert_rows.bytes);
      }
    }
  }
}

TEMPLATE_LIST_TEST_CASE("a scratch lends the regions of its slab, cut to the call", "[workspace]",
                        Backends) {
  Session<TestType> session;
  Random random(42);
  LayerCase layer = random_layer(random);
  const WorkspacePlan plan = plan_workspace(layer.config, 40);
  Guarded<TestType, std::byte> slab(session.backend, session.stream, plan.total_bytes, kPoisons[0]);
  session.backend.synchronize(session.stream);
  const MoeScratch<TestType> borrowed(slab.span(), plan);
  const MoeScratch<TestType> owned(session.backend, plan);
  CHECK(borrowed.max_tokens() == 40);
  CHECK(borrowed.plan().total_bytes == plan.total_bytes);
  const auto place = [&](auto span) {
    return static_cast<std::size_t>(reinterpret_cast<const std::byte*>(span.data()) -
                                    slab.span().data());
  };
  for (const std::int64_t tokens : {0, 1, 17, 40}) {
    const auto route = borrowed.route(tokens);
    const auto pairs = static_cast<std::size_t>(tokens * layer.config.top_k);
    const std::int64_t experts = layer.config.local_experts();
    CHECK(place(route.selected_ids) == plan.selected_ids.offset);
    CHECK(place(route.pair_weights) == plan.pair_weights.offset);
    CHECK(place(route.pairs_by_token) == plan.pairs_by_token.offset);
    CHECK(place(route.packed_token_idx) == plan.packed_token_idx.offset);
    CHECK(place(route.expert_offsets) == plan.expert_offsets.offset);
    CHECK(place(route.sorted_tokens) == plan.sorted_tokens.offset);
    CHECK(place(route.block_ids) == plan.block_ids.offset);
    CHECK(place(route.total_post_pad) == plan.total_post_pad.offset);
    CHECK(route.selected_ids.size() == pairs);
    CHECK(route.pair_weights.size() == pairs);
    CHECK(route.pairs_by_token.size() == pairs);
    CHECK(route.packed_token_idx.size() == pairs);
    CHECK(route.expert_offsets.size() == static_cast<std::size_t>(experts + 1));
    CHECK(static_cast<std::int64_t>(route.sorted_tokens.size()) ==
          max_slots(static_cast<std::int64_t>(pairs), experts));
    CHECK(static_cast<std::int64_t>(route.block_ids.size()) ==
          max_blocks(static_cast<std::int64_t>(pairs), experts));
    CHECK(route.total_post_pad.size() == 1);
    CHECK(owned.route(tokens).sorted_tokens.size() == route.sorted_tokens.size());
  }
  const auto intermediates = borrowed.intermediates();
  CHECK(place(intermediates.activated) == plan.activated.offset);
  CHECK(intermediates.activated.size() == plan.activated.bytes);
  CHECK(place(intermediates.expert_rows) == plan.expert_rows.offset);
  CHECK(intermediates.expert_rows.size() == plan.expert_rows.bytes);
  CHECK(intermediates.router_logits.size_bytes() == plan.router_logits.bytes);
  CHECK(intermediates.shared_rows.size() == plan.shared_rows.bytes);
}
