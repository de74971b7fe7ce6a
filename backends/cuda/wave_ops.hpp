// SPDX-License-Identifier: Apache-2.0
// The wave operations of CUDA, for device code. A wave is a warp of 32.
#pragma once

#include <cstdint>

namespace switchyard::cuda {

struct WaveOps {
  static constexpr unsigned kAllLanes = 0xffffffffU;

  __device__ static void sync() { __syncwarp(kAllLanes); }
  __device__ static std::uint32_t shuffle(std::uint32_t word, int from) {
    return __shfl_sync(kAllLanes, word, from);
  }
  __device__ static std::uint64_t ballot(bool condition) {
    return __ballot_sync(kAllLanes, condition ? 1 : 0);
  }
};

}  // namespace switchyard::cuda
