// SPDX-License-Identifier: Apache-2.0
#include "backends/cuda/sm90/kernels.hpp"
#include "kernels/gate_up/sm90_pack.cuh"

const void* switchyard::sm90::pack_kernel() noexcept {
  return reinterpret_cast<const void*>(&kernels::sm90::pack_hidden_states);
}
