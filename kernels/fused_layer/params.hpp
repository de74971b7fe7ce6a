// SPDX-License-Identifier: Apache-2.0
// Stages "fused_layer" and "coupled_layer": route, plan, gate_up, down and combine as one. Leave
// the plan and the output; the intermediates activated and expert_rows are their scratch. The
// second keeps the sums of the single stages, bit for bit.
#pragma once

#include <string_view>

#include "kernels/combine/params.hpp"
#include "kernels/down/params.hpp"
#include "kernels/gate_up/params.hpp"
#include "kernels/param_block.hpp"
#include "kernels/route_plan/params.hpp"

namespace switchyard::kernels {

struct FusedLayerParams {
  RoutePlanParams route_plan;
  GateUpParams gate_up;
  DownParams down;
  CombineParams combine;
};
static_assert(kIsFusedParamBlock<FusedLayerParams>);

struct FusedLayer {
  using Params = FusedLayerParams;
  static constexpr std::string_view kName = "fused_layer";
};

struct CoupledLayer {
  using Params = FusedLayerParams;
  static constexpr std::string_view kName = "coupled_layer";
};

}  // namespace switchyard::kernels
