// SPDX-License-Identifier: Apache-2.0
// Bodies whose arithmetic is the same bits on every backend: for a file that is compiled without
// contraction.
#pragma once

#include "backends/gpu/kernels_impl.hpp"
#include "kernels/combine/simt.hpp"
#include "kernels/gate/simt.hpp"
#include "kernels/plan/simt.hpp"
#include "kernels/route/simt.hpp"
#include "kernels/route_plan/simt.hpp"

/// The bodies of stage "route_plan" that route rows of up to PerLane experts a lane.
#define SWITCHYARD_GPU_KERNELS_ROUTE_PLAN(Api, PerLane, By)                                        \
  SWITCHYARD_GPU_KERNEL(Api, RoutePlanBlockBody<PerLane, switchyard::kernels::simt::Ranking::By>); \
  SWITCHYARD_GPU_KERNEL(Api, RouteTileBody<PerLane, switchyard::kernels::simt::Ranking::By>)

#define SWITCHYARD_GPU_KERNELS_EXACT(Api)                 \
  SWITCHYARD_GPU_KERNEL(Api, GateBody);                   \
  SWITCHYARD_GPU_KERNEL(Api, RouteBody);                  \
  SWITCHYARD_GPU_KERNEL(Api, PlanBlockBody);              \
  SWITCHYARD_GPU_KERNEL(Api, PlanCountBody);              \
  SWITCHYARD_GPU_KERNEL(Api, PlanScanBody);               \
  SWITCHYARD_GPU_KERNEL(Api, PlanScatterBody);            \
  SWITCHYARD_GPU_KERNEL(Api, PlanFillBody);               \
  SWITCHYARD_GPU_KERNELS_ROUTE_PLAN(Api, 4, logits);      \
  SWITCHYARD_GPU_KERNELS_ROUTE_PLAN(Api, 4, selections);  \
  SWITCHYARD_GPU_KERNELS_ROUTE_PLAN(Api, 8, logits);      \
  SWITCHYARD_GPU_KERNELS_ROUTE_PLAN(Api, 8, selections);  \
  SWITCHYARD_GPU_KERNELS_ROUTE_PLAN(Api, 16, logits);     \
  SWITCHYARD_GPU_KERNELS_ROUTE_PLAN(Api, 16, selections); \
  SWITCHYARD_GPU_KERNEL(Api, ScanTilesBody);              \
  SWITCHYARD_GPU_KERNEL(Api, PlaceTileBody);              \
  SWITCHYARD_GPU_KERNEL(Api, CombineBody)
