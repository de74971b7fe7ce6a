// SPDX-License-Identifier: Apache-2.0
// The wave operations of CUDA, for device code. A wave is a warp of 32.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#include "backends/gpu/kernels_impl.hpp"

namespace switchyard {

struct CudaApi;

template <>
struct gpu::WaveOps<CudaApi> {
  static constexpr unsigned kAllLanes = 0xffffffffU;
  using Sizes = std::integer_sequence<int, 32>;

  [[nodiscard]] static constexpr bool runs(int size) noexcept { return size == 32; }
  __device__ static void trap() { __trap(); }

  /// A line of the constant cache at a time, so that no read of the argument waits for memory.
  template <class Params>
  __device__ static void fetch(const Params& params) {
    constexpr std::size_t kLineWords = 16;
    if (threadIdx.x > 0) return;
    const auto* const words = reinterpret_cast<const std::uint32_t*>(&params);
    std::uint32_t sum = 0;
#pragma unroll
    for (std::size_t i = 0; i < sizeof(Params) / 4; i += kLineWords) sum += words[i];
    __shared__ volatile std::uint32_t sink;  // so that the compiler keeps the reads
    sink = sum;
  }

  __device__ static void wait_for_predecessors() {
#if __CUDA_ARCH__ >= 900
    asm volatile("griddepcontrol.wait;" ::: "memory");
    asm volatile("griddepcontrol.launch_dependents;" ::: "memory");
#endif
  }

  __device__ static void sync() {
    __syncwarp(kAllLanes);
  }
  __device__ static std::uint32_t shuffle(std::uint32_t word, int from) {
    return __shfl_sync(kAllLanes, word, from);
  }
  __device__ static std::uint64_t ballot(bool condition) {
    return __ballot_sync(kAllLanes, condition ? 1 : 0);
  }
  /// A word that all lanes have alike, so that the compiler knows it.
  __device__ static std::uint32_t same_for_all(std::uint32_t word) {
    return __shfl_sync(kAllLanes, word, 0);
  }
  template <int Wave>
  __device__ static std::uint32_t largest(std::uint32_t value) {
    return __reduce_max_sync(kAllLanes, value);
  }
};

}  // namespace switchyard
