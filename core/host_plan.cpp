// SPDX-License-Identifier: Apache-2.0
#include "core/host_plan.hpp"

#include <algorithm>
#include <span>
#include <utility>

#include "core/convert.hpp"
#include "kernels/plan/reference.hpp"
#include "kernels/route/reference.hpp"
#include "switchyard/limits.hpp"

namespace switchyard::core {
namespace {

template <class T>
const T* data_or_null(const std::vector<T>& values) {
  return values.empty() ? nullptr : values.data();
}

}  // namespace

void HostPlan::resize(const RouteBuffers& route) {
  live_tokens.resize(1);
  selected_ids.resize(route.selected_ids.size());
  pair_weights.resize(route.pair_weights.size());
  pairs_by_token.resize(route.pairs_by_token.size());
  packed_token_idx.resize(route.packed_token_idx.size());
  expert_offsets.resize(route.expert_offsets.size());
  sorted_tokens.resize(route.sorted_tokens.size());
  block_ids.resize(route.block_ids.size());
  total_post_pad.resize(route.total_post_pad.size());
}

void HostPlan::reserve(const LayerConfig& config, std::int64_t max_tokens) {
  const std::int64_t pairs = max_tokens * config.top_k;
  const std::int64_t experts = config.local_experts();
  logits.reserve(static_cast<std::size_t>(max_tokens * config.num_experts) * sizeof(float));
  selected_ids.reserve(static_cast<std::size_t>(pairs));
  pair_weights.reserve(static_cast<std::size_t>(pairs));
  pairs_by_token.reserve(static_cast<std::size_t>(pairs));
  packed_token_idx.reserve(static_cast<std::size_t>(pairs));
  expert_offsets.reserve(static_cast<std::size_t>(experts + 1));
  sorted_tokens.reserve(static_cast<std::size_t>(max_slots(pairs, experts)));
  block_ids.reserve(static_cast<std::size_t>(max_blocks(pairs, experts)));
}

HostRouter host_router(const HostMoeWeights& weights) {
  HostRouter router;
  const HostTensor& bias = weights.correction_bias;
  router.correction_bias.resize(bias.bytes.size() / size_of(bias.dtype));
  convert(bias.bytes, bias.dtype, std::as_writable_bytes(std::span(router.correction_bias)),
          DType::f32);
  router.expert_map.assign(weights.expert_map.begin(), weights.expert_map.end());
  return router;
}

std::int32_t build_plan(const StageContext& call, const HostRouter& router,
                        std::optional<std::int32_t> fixed_block_size, HostPlan& plan) {
  const std::int32_t* const live =
      call.inputs.live_tokens.empty() ? nullptr : plan.live_tokens.data();
  if (call.inputs.selected_ids.empty()) {
    kernels::RouteParams route = route_params(call);
    route.router_logits = plan.logits.data();
    route.correction_bias = data_or_null(router.correction_bias);
    route.live_tokens = live;
    route.selected_ids = plan.selected_ids.data();
    route.pair_weights = plan.pair_weights.data();
    kernels::reference::run(route, 0, kernels::reference::num_tasks(route));
  }
  kernels::PlanParams params = plan_params(call);
  params.selected_ids = plan.selected_ids.data();
  params.pair_weights = plan.pair_weights.data();
  params.expert_map = data_or_null(router.expert_map);
  params.live_tokens = live;
  params.pairs_by_token = plan.pairs_by_token.data();
  params.packed_token_idx = plan.packed_token_idx.data();
  params.expert_offsets = plan.expert_offsets.data();
  params.sorted_tokens = plan.sorted_tokens.data();
  params.block_ids = plan.block_ids.data();
  params.total_post_pad = plan.total_post_pad.data();
  if (fixed_block_size) {
    params.block_size = *fixed_block_size;
  } else {
    kernels::reference::count_rows(params);
    params.block_size = choose_block_size(std::span(std::as_const(plan.expert_offsets)));
  }
  kernels::reference::run(params, 0, kernels::reference::num_tasks(params));
  return params.block_size;
}

WorkspacePlan plan_route_buffers(const LayerConfig& config, std::int64_t max_tokens) {
  WorkspacePlan plan = plan_workspace(config, std::min(max_tokens, limits::kMaxTokens));
  for (WorkspaceRegion* region :
       {&plan.plan_scratch, &plan.router_logits, &plan.activated, &plan.expert_rows,
        &plan.shared_activated, &plan.shared_rows, &plan.shared_gate})
    region->bytes = 0;
  plan.total_bytes = plan.plan_scratch.offset;
  return plan;
}

}  // namespace switchyard::core
