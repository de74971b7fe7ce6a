// SPDX-License-Identifier: Apache-2.0
// Kernels from bodies. For files that pass through the vendor's compiler.
#pragma once

#include <utility>

#include "backends/gpu/kernels.hpp"
#include "backends/gpu/lane.hpp"

/// An argument of a kernel that is read where it lies; it would be copied to each thread's stack
/// where its address is taken. HIP's compiler does so without being told.
#if defined(__NVCC__)
#define SWITCHYARD_KERNEL_ARGUMENT __grid_constant__
#else
#define SWITCHYARD_KERNEL_ARGUMENT
#endif

namespace switchyard::gpu {

/// The vendor's wave operations, for device code: sync, shuffle of a word, ballot, largest,
/// same_for_all (of a word that the lanes have alike). Sizes
/// are the wave sizes that a device of the vendor may have; runs(size) whether the device that is
/// being compiled for has it; fetch brings a kernel's argument near. wait_for_predecessors comes
/// before a kernel looks at device memory: what was enqueued before it is complete afterwards, and
/// only then may what is enqueued behind it start.
/// Specialised in backends/<vendor>/wave_ops.hpp.
template <class Api>
struct WaveOps;

/// Threads of a block of Body, at most.
template <class Body>
[[nodiscard]] constexpr int max_threads() noexcept {
  if constexpr (requires { Body::kThreads; }) return Body::kThreads;
  return kernels::simt::kMaxThreads;
}

/// A program for several architectures has every kernel for every wave size; a body is compiled
/// where it can run.
template <class Body, int Wave, class Api>
__global__ void __launch_bounds__(max_threads<Body>())
    kernel(const SWITCHYARD_KERNEL_ARGUMENT typename Body::Params params) {
  if constexpr (WaveOps<Api>::runs(Wave)) {
    WaveOps<Api>::fetch(params);
    extern __shared__ uint4 switchyard_shared[];
    Lane<Wave, WaveOps<Api>> lane(reinterpret_cast<std::byte*>(switchyard_shared));
    kernels::simt::run_lane<Body>(lane, params, [] { WaveOps<Api>::wait_for_predecessors(); });
  } else {
    WaveOps<Api>::trap();
  }
}

template <class Api, class Body, int... Sizes>
[[nodiscard]] const void* find_kernel(int wave_size,
                                      std::integer_sequence<int, Sizes...> /*sizes*/) noexcept {
  const void* found = nullptr;
  ((wave_size == Sizes
        ? static_cast<void>(found = reinterpret_cast<const void*>(&kernel<Body, Sizes, Api>))
        : static_cast<void>(0)),
   ...);
  return found;
}

template <class Api, class Body>
const void* kernel_address(int wave_size) noexcept {
  return find_kernel<Api, Body>(wave_size, typename WaveOps<Api>::Sizes{});
}

}  // namespace switchyard::gpu

/// Makes the kernels of one body.
#define SWITCHYARD_GPU_KERNEL(Api, ...)                                                     \
  template const void*                                                                      \
  switchyard::gpu::kernel_address<switchyard::Api, switchyard::kernels::simt::__VA_ARGS__>( \
      int) noexcept
