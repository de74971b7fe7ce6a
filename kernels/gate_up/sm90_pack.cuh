// SPDX-License-Identifier: Apache-2.0
// Hidden states copied to packed order, at the speed of memory. The copy engine reads rows that lie
// side by side in whole boxes (boxed_rows.cuh); rows from anywhere pass through the threads of
// gate_up's producer, and the tensor cores wait for shared memory meanwhile.
#pragma once

#include <cstdint>

#include "kernels/gate_up/sm90_pack.hpp"
#include "kernels/sm90/grid.cuh"

namespace switchyard::kernels::sm90 {

/// Block b copies rows kPackRows * b and those behind it; a thread 16 bytes of each at a time.
__global__ void __launch_bounds__(kPackThreads)
    pack_hidden_states(const __grid_constant__ PackParams params) {
  wait_for_predecessors();
  start_successors();
  const std::int64_t chunks = params.hidden_size / 8;
  const std::int32_t first = static_cast<std::int32_t>(blockIdx.x) * kPackRows;
  const std::int32_t num_rows = value_of(*params.num_rows);
  const uint4* from[kPackRows];
#pragma unroll
  for (int i = 0; i < kPackRows; ++i)
    from[i] = first + i >= num_rows
                  ? nullptr
                  : static_cast<const uint4*>(params.hidden_states) +
                        value_of(params.packed_token_idx[first + i]) * chunks;
  uint4* const to = static_cast<uint4*>(params.packed) + first * chunks;
  for (std::int64_t chunk = threadIdx.x; chunk < chunks; chunk += kPackThreads) {
    uint4 words[kPackRows];
#pragma unroll
    for (int i = 0; i < kPackRows; ++i)
      if (from[i] != nullptr) words[i] = __ldg(from[i] + chunk);
#pragma unroll
    for (int i = 0; i < kPackRows; ++i)
      if (from[i] != nullptr) to[i * chunks + chunk] = words[i];
  }
}

}  // namespace switchyard::kernels::sm90
