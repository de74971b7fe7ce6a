// SPDX-License-Identifier: Apache-2.0
// Stage "route_plan": route and plan as one. Leaves what the two leave, bit for bit.
#pragma once

#include <string_view>

#include "kernels/param_block.hpp"
#include "kernels/plan/params.hpp"
#include "kernels/route/params.hpp"
#include "switchyard/index.hpp"

namespace switchyard::kernels {

struct RoutePlanParams {
  RouteParams route;
  PlanParams plan;
  // Where the caller chose: copied to selected_ids and pair_weights, and `route` is not looked at.
  const ExpertId* given_ids;   // [T, K], or null: routed
  const float* given_weights;  // [T, K], with given_ids
};
static_assert(kIsFusedParamBlock<RoutePlanParams>);

struct RoutePlan {
  using Params = RoutePlanParams;
  static constexpr std::string_view kName = "route_plan";
};

}  // namespace switchyard::kernels
