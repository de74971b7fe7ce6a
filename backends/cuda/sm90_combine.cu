// SPDX-License-Identifier: Apache-2.0
#include "backends/cuda/sm90/kernels.hpp"
#include "kernels/combine/sm90.cuh"

namespace switchyard::sm90 {

const void* combine_kernel_bf16(std::int32_t top_k, kernels::sm90::ReadRows read) noexcept {
  return kernels::sm90::find_combine<bf16>(top_k, read);
}
const void* combine_kernel_f16(std::int32_t top_k, kernels::sm90::ReadRows read) noexcept {
  return kernels::sm90::find_combine<f16>(top_k, read);
}

}  // namespace switchyard::sm90
