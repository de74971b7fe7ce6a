// SPDX-License-Identifier: Apache-2.0
// Stage "route_plan" on devices of compute capability 9.0: which calls one launch serves, that of a
// cluster or that of a grid whose blocks are on the device at the same time.
#pragma once

#include <cstdint>

#include "backends/cuda/sm90/counter_sets.hpp"
#include "kernels/route_plan/params.hpp"
#include "switchyard/backends/cuda.hpp"
#include "switchyard/export.hpp"

namespace switchyard::sm90 {

/// What of the kernels a device runs, and how.
struct RoutePlanLimits {
  bool has_cluster = false;    ///< The largest.
  int grid_blocks = 0;         ///< At the same time, one per multiprocessor.
  std::uint32_t patience = 0;  ///< RoutePlanGridParams::patience
};

/// Lets the kernels have the largest cluster. Once per device, before any launch.
[[nodiscard]] SWITCHYARD_API RoutePlanLimits prepare_route_plan(int device,
                                                                int num_multiprocessors);

/// Whether the stage was enqueued, as one launch; false where that serves the call less well than
/// the portable bodies, or its shared memory is too small.
[[nodiscard]] SWITCHYARD_API bool launch_route_plan(int device, const RoutePlanLimits& limits,
                                                    CudaApi::NativeStream stream,
                                                    const kernels::RoutePlanParams& params,
                                                    CounterSets& counters);

}  // namespace switchyard::sm90
