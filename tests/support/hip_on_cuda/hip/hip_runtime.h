// SPDX-License-Identifier: Apache-2.0
/// \file
/// HIP's device interface on CUDA's, for nvcc: what the HIP backend's kernels use, where CUDA has
/// no such name. A wave is a warp of 32.
#pragma once

#ifndef __CUDACC__
#error "hip/hip_runtime.h of this folder is for nvcc; host code includes hip/hip_runtime_api.h"
#endif

#include <cuda_runtime.h>

#include "hip/hip_runtime_api.h"

namespace hip_on_cuda {
inline constexpr unsigned kAllLanes = 0xffffffffU;

__device__ inline unsigned long long ballot(int condition) {
  return __ballot_sync(kAllLanes, condition);
}
__device__ inline int shuffle(int value, int lane, int width) {
  return __shfl_sync(kAllLanes, value, lane, width);
}
}  // namespace hip_on_cuda

// HIP's collectives have no mask: all lanes take part. CUDA has these names, as removed or with
// another result, so that they cannot be overloaded.
#define __ballot ::hip_on_cuda::ballot
#define __shfl ::hip_on_cuda::shuffle

// What the compiler for AMD GPUs has built in. The barrier of a warp orders memory too.
#define __builtin_trap __trap
__device__ inline void __builtin_amdgcn_fence(int /*order*/, const char* /*scope*/) {}
__device__ inline void __builtin_amdgcn_wave_barrier() {
  __syncwarp(hip_on_cuda::kAllLanes);
}
__device__ inline int __builtin_amdgcn_readfirstlane(int word) {
  return __shfl_sync(hip_on_cuda::kAllLanes, word, 0);
}
