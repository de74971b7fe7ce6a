// SPDX-License-Identifier: Apache-2.0
#include "backends/cuda/sm90/kernels.hpp"
#include "kernels/down/sm90.cuh"
#include "kernels/sm90/product/kernel.cuh"

const void* switchyard::sm90::down_kernel_bf16() noexcept {
  return reinterpret_cast<const void*>(&kernels::sm90::product<bf16, kernels::sm90::DownProduct>);
}
