// SPDX-License-Identifier: Apache-2.0
#include "backends/cuda/sm90/kernels.hpp"
#include "kernels/combine/sm90.cuh"

namespace switchyard::sm90 {

const void* combine_kernel_bf16() noexcept {
  return reinterpret_cast<const void*>(&kernels::sm90::combine<bf16>);
}
const void* combine_kernel_f16() noexcept {
  return reinterpret_cast<const void*>(&kernels::sm90::combine<f16>);
}

}  // namespace switchyard::sm90
