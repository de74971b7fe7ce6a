// SPDX-License-Identifier: Apache-2.0
// Defines the kernel of a body, for the .cu files.
#pragma once

#include "backends/cuda/wave_ops.hpp"
#include "backends/gpu/kernels_impl.hpp"

namespace switchyard {
struct CudaApi;
}

#define SWITCHYARD_CUDA_KERNEL(Body)                                                             \
  template <>                                                                                    \
  const void*                                                                                    \
  switchyard::gpu::kernel_address<switchyard::CudaApi, switchyard::kernels::simt::Body>(         \
      int wave_size) noexcept {                                                                  \
    return wave_size == 32 ? switchyard::gpu::address_of_kernel<switchyard::kernels::simt::Body, \
                                                                32, switchyard::cuda::WaveOps>() \
                           : nullptr;                                                            \
  }                                                                                              \
  static_assert(true)
