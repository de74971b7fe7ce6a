// SPDX-License-Identifier: Apache-2.0
// Kernels from bodies. For files that pass through the vendor's compiler.
#pragma once

#include "backends/gpu/kernels.hpp"
#include "backends/gpu/lane.hpp"

namespace switchyard::gpu {

template <class Body, int Wave, class WaveOps>
__global__ void __launch_bounds__(256) kernel(const typename Body::Params params) {
  extern __shared__ uint4 switchyard_shared[];
  Lane<Wave, WaveOps> lane(reinterpret_cast<std::byte*>(switchyard_shared));
  Body::run(lane, params);
}

/// The kernel of one wave size.
template <class Body, int Wave, class WaveOps>
[[nodiscard]] const void* address_of_kernel() noexcept {
  return reinterpret_cast<const void*>(&kernel<Body, Wave, WaveOps>);
}

}  // namespace switchyard::gpu
