// SPDX-License-Identifier: Apache-2.0
// What the host hands to the fused layer kernel for sm_90.
#pragma once

#include <cstdint>

#include "kernels/combine/params.hpp"
#include "kernels/down/params.hpp"
#include "kernels/fused_layer/sm90_shape.hpp"
#include "kernels/gate_up/params.hpp"
#include "kernels/plan/params.hpp"
#include "kernels/route_plan/params.hpp"

namespace switchyard::kernels::sm90 {

/// What the blocks count together. All zero before the first launch that uses them; a launch leaves
/// them as the next one needs them, so that nobody has to clear them between the two. Launches take
/// turns, which the highest bit of unit_tickets tells: who draws the last ticket of a launch, as
/// all know it to be, begins the next turn.
struct GridCounters {
  std::uint32_t unit_tickets;   // drawn
  std::uint32_t strip_tickets;  // of down, beyond one per block, drawn
  // Of gate_up, in launches of either turn: of all groups, at [0], or by section.
  std::uint32_t units_done[2][kMaxSections];
};
static_assert(sizeof(GridCounters) == kNumStageCounters * sizeof(std::int32_t));

/// The kernel's one argument.
struct FusedArguments {
  PlanParams plan;
  GateUpParams gate_up;
  DownParams down;
  CombineParams combine;
  FusedTuning tuning;
  Divisor num_blocks;  // of the launch
  GridCounters* counters;
  RouteParams route;  // of Planning::blocks
};

}  // namespace switchyard::kernels::sm90
