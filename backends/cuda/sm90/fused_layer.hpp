// SPDX-License-Identifier: Apache-2.0
// Stage "fused_layer" on devices of compute capability 9.0: which calls it serves, and the launch
// of what follows the plan.
#pragma once

#include "backends/cuda/sm90/counter_sets.hpp"
#include "kernels/fused_layer/params.hpp"
#include "switchyard/backends/cuda.hpp"
#include "switchyard/forward_path.hpp"

namespace switchyard::sm90 {

/// Whether the kernel serves the call: 16-bit weights in swizzled_tiles and activations alike,
/// extents that it has room for.
[[nodiscard]] bool runs_fused_layer(const ForwardCall& call) noexcept;

/// Whether it serves such a call faster than the stages do.
[[nodiscard]] bool suits_fused_layer(const ForwardCall& call) noexcept;

/// Lets the kernels have their shared memory. Once per device, before any launch.
void prepare_fused_layer(int device);

/// Whether the kernel was enqueued, behind a route_plan stage that cleared the counters; false
/// where a row that it moves is not aligned to 16 bytes.
[[nodiscard]] bool launch_fused_layer(int device, int num_multiprocessors,
                                      CudaApi::NativeStream stream,
                                      const kernels::FusedLayerParams& params);

/// Whether the kernel was enqueued for all five stages: where tokens are few its blocks route by
/// themselves. false: neither it nor anything else was.
[[nodiscard]] bool launch_routed_layer(int device, int num_multiprocessors,
                                       CudaApi::NativeStream stream,
                                       const kernels::FusedLayerParams& params,
                                       CounterSets& counters);

}  // namespace switchyard::sm90
