// SPDX-License-Identifier: Apache-2.0
#include "backends/cuda/sm90/fused_kernels.hpp"
#include "backends/cuda/wave_ops.hpp"
#include "kernels/fused_layer/sm90_kernel.cuh"

namespace switchyard::sm90 {

const void* fused_layer_kernel_f16(const kernels::sm90::FusedBuild& build, kernels::sm90::Planning planning) noexcept {
  return kernels::sm90::find_fused_kernel<f16, gpu::Lane<32, gpu::WaveOps<CudaApi>>>(build, planning);
}

}  // namespace switchyard::sm90
