// SPDX-License-Identifier: Apache-2.0
#include "backends/cuda/sm90/kernels.hpp"
#include "kernels/probe/sm90.cuh"

const void* switchyard::sm90::probe_products_kernel() noexcept {
  return reinterpret_cast<const void*>(&kernels::sm90::probe_products);
}
