// SPDX-License-Identifier: Apache-2.0
// The parameter blocks of one forward, from what the host knows.
#pragma once

#include <cstdint>

#include "core/expert_weights.hpp"
#include "kernels/combine/params.hpp"
#include "kernels/down/params.hpp"
#include "kernels/fused_layer/params.hpp"
#include "kernels/gate/params.hpp"
#include "kernels/gate_up/params.hpp"
#include "kernels/plan/params.hpp"
#include "kernels/route/params.hpp"
#include "kernels/route_plan/params.hpp"
#include "switchyard/moe_layer.hpp"

namespace switchyard::core {

/// Everything a stage's parameters are made from. Refers to the caller's objects; lives in a call.
struct StageContext {
  const LayerConfig& config;
  const WeightAddresses& weights;
  const MoeInputs& inputs;
  const IntermediateBuffers& intermediates;
  const RouteBuffers& route;
  std::int32_t block_size;
};

/// The logits that the layer computes, into intermediates.router_logits.
[[nodiscard]] SWITCHYARD_API kernels::GateParams gate_params(const StageContext& call);
/// The logits that route reads: the caller's or the computed ones.
[[nodiscard]] SWITCHYARD_API ConstDeviceMatrix logits_of(const StageContext& call);
[[nodiscard]] SWITCHYARD_API kernels::RouteParams route_params(const StageContext& call);
[[nodiscard]] SWITCHYARD_API kernels::PlanParams plan_params(const StageContext& call);
[[nodiscard]] SWITCHYARD_API kernels::GateUpParams gate_up_params(const StageContext& call);
[[nodiscard]] SWITCHYARD_API kernels::DownParams down_params(const StageContext& call);
[[nodiscard]] SWITCHYARD_API kernels::GateUpParams shared_gate_up_params(const StageContext& call);
[[nodiscard]] SWITCHYARD_API kernels::DownParams shared_down_params(const StageContext& call);
/// The logits of the shared expert's gate, into intermediates.shared_gate.
[[nodiscard]] SWITCHYARD_API kernels::GateParams shared_gate_params(const StageContext& call);
[[nodiscard]] SWITCHYARD_API kernels::CombineParams combine_params(const StageContext& call);

// The stages that fuse others.
[[nodiscard]] SWITCHYARD_API kernels::RoutePlanParams route_plan_params(const StageContext& call);
[[nodiscard]] SWITCHYARD_API kernels::FusedLayerParams fused_layer_params(const StageContext& call);

/// What a path may be chosen by.
[[nodiscard]] SWITCHYARD_API ForwardCall forward_call(const LayerConfig& config,
                                                      const WeightAddresses& weights,
                                                      const MoeInputs& inputs,
                                                      std::int32_t block_size, bool plan_only);

}  // namespace switchyard::core
