// SPDX-License-Identifier: Apache-2.0
#include "core/stage_params.hpp"

namespace switchyard::core {
namespace {

/// An extent that the checks have bounded.
[[nodiscard]] std::int32_t narrow(std::int64_t extent) {
  return static_cast<std::int32_t>(extent);
}
[[nodiscard]] std::int32_t narrow(std::size_t extent) {
  return static_cast<std::int32_t>(extent);
}

[[nodiscard]] std::int32_t num_tokens(const StageContext& call) {
  return narrow(call.inputs.hidden_states.rows);
}

[[nodiscard]] bool weighs_input(const StageContext& call) {
  return call.config.router.weight_site == WeightSite::expert_input;
}

/// What the routed and the shared expert have in common.
[[nodiscard]] kernels::GateUpParams any_gate_up_params(const StageContext& call) {
  kernels::GateUpParams params{};
  params.hidden_states = call.inputs.hidden_states.data;
  params.hidden_size = narrow(call.config.hidden_size);
  params.alpha = call.config.activation.alpha;
  params.limit = call.config.activation.limit;
  params.activation = call.config.activation.kind;
  params.input_rounding = call.config.activation.input_rounding;
  params.activation_dtype = call.config.activation_dtype;
  params.weight_dtype = call.config.weight_dtype;
  params.block_size = call.block_size;
  return params;
}

[[nodiscard]] kernels::DownParams any_down_params(const StageContext& call) {
  kernels::DownParams params{};
  params.hidden_size = narrow(call.config.hidden_size);
  params.activation_dtype = call.config.activation_dtype;
  params.weight_dtype = call.config.weight_dtype;
  params.block_size = call.block_size;
  return params;
}

[[nodiscard]] kernels::GateParams any_gate_params(const StageContext& call) {
  kernels::GateParams params{};
  params.hidden_states = call.inputs.hidden_states.data;
  params.live_tokens = call.inputs.live_tokens.data();
  params.num_tokens = num_tokens(call);
  params.hidden_size = narrow(call.config.hidden_size);
  params.activation_dtype = call.config.activation_dtype;
  return params;
}

}  // namespace

kernels::GateParams gate_params(const StageContext& call) {
  kernels::GateParams params = any_gate_params(call);
  params.weight = call.weights.router;
  params.bias = call.weights.router_bias;
  params.logits = call.intermediates.router_logits.data();
  params.num_outputs = narrow(call.config.num_experts);
  params.rounding = call.config.router.logits_rounding;
  return params;
}

ConstDeviceMatrix logits_of(const StageContext& call) {
  if (call.inputs.router_logits.data != nullptr) return call.inputs.router_logits;
  return {call.intermediates.router_logits.data(), DType::f32, call.inputs.hidden_states.rows,
          call.config.num_experts};
}

kernels::RouteParams route_params(const StageContext& call) {
  const RouterConfig& router = call.config.router;
  const ConstDeviceMatrix logits = logits_of(call);
  kernels::RouteParams params{};
  params.router_logits = logits.data;
  params.correction_bias = call.weights.correction_bias;
  params.live_tokens = call.inputs.live_tokens.data();
  params.selected_ids = call.route.selected_ids.data();
  params.pair_weights = call.route.pair_weights.data();
  params.num_tokens = num_tokens(call);
  params.num_experts = narrow(call.config.num_experts);
  params.top_k = narrow(call.config.top_k);
  params.num_groups = narrow(router.num_groups);
  params.kept_groups = narrow(router.kept_groups);
  params.epsilon = router.epsilon;
  params.scaling_factor = router.scaling_factor;
  params.logits_dtype = logits.dtype;
  params.activation_dtype = call.config.activation_dtype;
  params.score = router.score;
  params.group_score = router.group_score;
  params.group_fill = router.group_fill;
  params.weights_from = router.weights_from;
  params.renormalize = router.renormalize;
  params.weights_rounding = router.weights_rounding;
  return params;
}

kernels::PlanParams plan_params(const StageContext& call) {
  kernels::PlanParams params{};
  params.selected_ids = call.route.selected_ids.data();
  params.pair_weights = call.route.pair_weights.data();
  params.expert_map = call.weights.expert_map;
  params.live_tokens = call.inputs.live_tokens.data();
  params.pairs_by_token = call.route.pairs_by_token.data();
  params.packed_token_idx = call.route.packed_token_idx.data();
  params.expert_offsets = call.route.expert_offsets.data();
  params.sorted_tokens = call.route.sorted_tokens.data();
  params.block_ids = call.route.block_ids.data();
  params.total_post_pad = call.route.total_post_pad.data();
  params.scratch = call.intermediates.plan_scratch.data();
  params.num_tokens = num_tokens(call);
  params.top_k = narrow(call.config.top_k);
  params.num_experts = narrow(call.config.num_experts);
  params.num_local_experts = narrow(call.config.local_experts());
  params.block_size = call.block_size;
  params.pair_capacity = narrow(call.route.selected_ids.size());
  params.slot_capacity = narrow(call.route.sorted_tokens.size());
  params.block_capacity = narrow(call.route.block_ids.size());
  return params;
}

kernels::GateUpParams gate_up_params(const StageContext& call) {
  kernels::GateUpParams params = any_gate_up_params(call);
  params.gate_up = call.weights.gate_up.data;
  params.weight_layout = call.weights.gate_up.layout;
  params.bias = call.weights.gate_up_bias;
  params.activated = call.intermediates.activated.data();
  params.expert_offsets = call.route.expert_offsets.data();
  params.packed_token_idx = call.route.packed_token_idx.data();
  params.sorted_tokens = call.route.sorted_tokens.data();
  params.block_ids = call.route.block_ids.data();
  if (weighs_input(call)) {
    params.pairs_by_token = call.route.pairs_by_token.data();
    params.pair_weights = call.route.pair_weights.data();
  }
  params.top_k = narrow(call.config.top_k);
  params.max_rows = num_tokens(call) * params.top_k;
  params.intermediate_size = narrow(call.config.intermediate_size);
  params.num_experts = narrow(call.config.local_experts());
  return params;
}

kernels::DownParams down_params(const StageContext& call) {
  kernels::DownParams params = any_down_params(call);
  params.activated = call.intermediates.activated.data();
  params.down = call.weights.down.data;
  params.weight_layout = call.weights.down.layout;
  params.bias = call.weights.down_bias;
  params.expert_rows = call.intermediates.expert_rows.data();
  params.expert_offsets = call.route.expert_offsets.data();
  params.sorted_tokens = call.route.sorted_tokens.data();
  params.block_ids = call.route.block_ids.data();
  params.max_rows = num_tokens(call) * narrow(call.config.top_k);
  params.intermediate_size = narrow(call.config.intermediate_size);
  params.num_experts = narrow(call.config.local_experts());
  return params;
}

kernels::GateUpParams shared_gate_up_params(const StageContext& call) {
  kernels::GateUpParams params = any_gate_up_params(call);
  params.gate_up = call.weights.shared_gate_up.data;
  params.weight_layout = call.weights.shared_gate_up.layout;
  params.activated = call.intermediates.shared_activated.data();
  params.live_tokens = call.inputs.live_tokens.data();
  params.max_rows = num_tokens(call);
  params.top_k = 1;
  params.intermediate_size = narrow(call.config.shared_expert.intermediate_size);
  params.num_experts = 1;
  return params;
}

kernels::DownParams shared_down_params(const StageContext& call) {
  kernels::DownParams params = any_down_params(call);
  params.activated = call.intermediates.shared_activated.data();
  params.down = call.weights.shared_down.data;
  params.weight_layout = call.weights.shared_down.layout;
  params.expert_rows = call.intermediates.shared_rows.data();
  params.live_tokens = call.inputs.live_tokens.data();
  params.max_rows = num_tokens(call);
  params.intermediate_size = narrow(call.config.shared_expert.intermediate_size);
  params.num_experts = 1;
  return params;
}

kernels::GateParams shared_gate_params(const StageContext& call) {
  kernels::GateParams params = any_gate_params(call);
  params.weight = call.weights.shared_gate;
  params.logits = call.intermediates.shared_gate.data();
  params.num_outputs = 1;
  params.rounding = Rounding::f32;
  return params;
}

kernels::CombineParams combine_params(const StageContext& call) {
  const SharedExpertConfig& shared = call.config.shared_expert;
  kernels::CombineParams params{};
  params.expert_rows = call.intermediates.expert_rows.data();
  params.pairs_by_token = call.route.pairs_by_token.data();
  params.pair_weights = weighs_input(call) ? nullptr : call.route.pair_weights.data();
  params.shared_rows =
      shared.intermediate_size == 0 ? nullptr : call.intermediates.shared_rows.data();
  params.shared_gate = shared.gated ? call.intermediates.shared_gate.data() : nullptr;
  params.residual = call.inputs.residual.data;
  params.live_tokens = call.inputs.live_tokens.data();
  params.output = call.inputs.output.data;
  params.num_tokens = num_tokens(call);
  params.top_k = narrow(call.config.top_k);
  params.hidden_size = narrow(call.config.hidden_size);
  params.activation_dtype = call.config.activation_dtype;
  return params;
}

kernels::RoutePlanParams route_plan_params(const StageContext& call) {
  kernels::RoutePlanParams params{};
  params.route = route_params(call);
  params.plan = plan_params(call);
  if (call.inputs.selected_ids.empty()) return params;
  params.given_ids = call.inputs.selected_ids.data();
  params.given_weights = call.inputs.pair_weights.data();
  return params;
}

kernels::FusedLayerParams fused_layer_params(const StageContext& call) {
  return {route_plan_params(call), gate_up_params(call), down_params(call), combine_params(call)};
}

ForwardCall forward_call(const LayerConfig& config, const WeightAddresses& weights,
                         const MoeInputs& inputs, std::int32_t block_size, bool plan_only) {
  return {.config = config,
          .num_tokens = inputs.hidden_states.rows,
          .block_size = block_size,
          .gate_up_layout = weights.gate_up.layout,
          .down_layout = weights.down.layout,
          .logits_dtype =
              inputs.router_logits.data == nullptr ? DType::f32 : inputs.router_logits.dtype,
          .plan_only = plan_only,
          .preselected = !inputs.selected_ids.empty(),
          .has_correction_bias = weights.correction_bias != nullptr,
          .has_expert_map = weights.expert_map != nullptr,
          .has_gate_up_bias = weights.gate_up_bias != nullptr,
          .has_down_bias = weights.down_bias != nullptr,
          .has_live_tokens = !inputs.live_tokens.empty(),
          .has_residual = inputs.residual.data != nullptr,
          .output_is_hidden_states =
              inputs.output.data != nullptr && inputs.output.data == inputs.hidden_states.data};
}

}  // namespace switchyard::core
