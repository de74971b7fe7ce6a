// SPDX-License-Identifier: Apache-2.0
#include "backends/cuda/sm90/kernels.hpp"
#include "kernels/gate_up/sm90.cuh"
#include "kernels/sm90/product/kernel.cuh"

const void* switchyard::sm90::packed_gate_up_kernel_bf16(
    const kernels::sm90::ProductBuild& build) noexcept {
  return kernels::sm90::find_product<bf16, kernels::sm90::PackedGateUp>(build.cluster);
}
