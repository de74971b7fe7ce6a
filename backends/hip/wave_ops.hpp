// SPDX-License-Identifier: Apache-2.0
// The wave operations of HIP, for device code. A wave has 64 lanes up to the architectures gfx9xx
// and 32 from gfx10xx on.
#pragma once

#include <hip/hip_runtime.h>

#include <cstdint>
#include <utility>

#include "backends/gpu/kernels_impl.hpp"

namespace switchyard {

struct HipApi;

template <>
struct gpu::WaveOps<HipApi> {
  using Sizes = std::integer_sequence<int, 32, 64>;

#if defined(__GFX8__) || defined(__GFX9__)
  static constexpr int kSize = 64;
#else
  static constexpr int kSize = 32;
#endif
  [[nodiscard]] static constexpr bool runs(int size) noexcept {
    return size == kSize;
  }
  __device__ static void trap() {
    __builtin_trap();
  }

  template <class Params>
  __device__ static void fetch(const Params& /*params*/) {}

  /// A kernel starts when its predecessors have ended.
  __device__ static void wait_for_predecessors() {}

  /// The lanes of a wave run in step; the fences keep the compiler and the memory in order.
  __device__ static void sync() {
    __builtin_amdgcn_fence(__ATOMIC_RELEASE, "wavefront");
    __builtin_amdgcn_wave_barrier();
    __builtin_amdgcn_fence(__ATOMIC_ACQUIRE, "wavefront");
  }
  __device__ static std::uint32_t shuffle(std::uint32_t word, int from) {
    return static_cast<std::uint32_t>(__shfl(static_cast<int>(word), from, kSize));
  }
  __device__ static std::uint64_t ballot(bool condition) {
    return __ballot(condition ? 1 : 0);
  }
  __device__ static std::uint32_t same_for_all(std::uint32_t word) {
    return static_cast<std::uint32_t>(__builtin_amdgcn_readfirstlane(static_cast<int>(word)));
  }
  template <int Wave>
  __device__ static std::uint32_t largest(std::uint32_t value) {
    const int lane = static_cast<int>(threadIdx.x) % Wave;
    for (int mask = Wave / 2; mask > 0; mask /= 2) {
      const std::uint32_t other = shuffle(value, lane ^ mask);
      value = other > value ? other : value;
    }
    return value;
  }
};

}  // namespace switchyard
