// SPDX-License-Identifier: Apache-2.0
// The lanes of a warp as what a scheduler runs on (kernels/sm90/product/scheduler.hpp).
#pragma once

#include <cstdint>

namespace switchyard::kernels::sm90 {

/// What all lanes of the warp have, in a form that tells the compiler so: what follows from it can
/// be held in uniform registers. All 32 lanes call it.
[[nodiscard]] __device__ __forceinline__ int uniform(int value) {
  return __shfl_sync(0xffffffffU, value, 0);
}

/// This warp's number in the block.
[[nodiscard]] __device__ __forceinline__ int warp_index() {
  return uniform(static_cast<int>(threadIdx.x) / 32);
}

/// The calling warp, all 32 lanes of it.
struct WarpLanes {
  static constexpr int kLanes = 32;
  static constexpr unsigned kAll = 0xffffffffU;

  [[nodiscard]] __device__ __forceinline__ static int lane() {
    return static_cast<int>(threadIdx.x) % kLanes;
  }
  [[nodiscard]] __device__ __forceinline__ static std::int32_t shuffle(std::int32_t value,
                                                                       int from) {
    return __shfl_sync(kAll, value, from);
  }
  [[nodiscard]] __device__ __forceinline__ static int first(bool condition) {
    return __ffs(static_cast<int>(__ballot_sync(kAll, condition ? 1 : 0))) - 1;
  }
};

}  // namespace switchyard::kernels::sm90
