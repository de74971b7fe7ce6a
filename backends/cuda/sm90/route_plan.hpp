// SPDX-License-Identifier: Apache-2.0
// Stage "route_plan" on devices of compute capability 9.0: which calls one cluster serves, and its
// launch.
#pragma once

#include "kernels/route_plan/params.hpp"
#include "switchyard/backends/cuda.hpp"

namespace switchyard::sm90 {

/// Lets the kernels have the largest cluster. Once per device, before any launch. Whether the
/// device runs such a cluster.
[[nodiscard]] bool prepare_route_plan(int device);

/// Whether the stage was enqueued, as one cluster; false where it serves the call less well than
/// the portable bodies, or its shared memory is too small.
[[nodiscard]] bool launch_route_plan(int device, CudaApi::NativeStream stream,
                                     const kernels::RoutePlanParams& params);

}  // namespace switchyard::sm90
