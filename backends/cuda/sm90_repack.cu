// SPDX-License-Identifier: Apache-2.0
#include "backends/cuda/sm90/kernels.hpp"
#include "kernels/sm90/repack.cuh"

const void* switchyard::sm90::repack_kernel() noexcept {
  return reinterpret_cast<const void*>(&kernels::sm90::repack);
}
