// SPDX-License-Identifier: Apache-2.0
// The probe of matrix products for compute capability 9.0. A block per multiprocessor, two
// warpgroups in each; a warpgroup multiplies its own 64 rows by the block's 160 columns, 64 of K at
// a time, again and again, from shared memory that is filled once: no memory, no barriers, only
// wgmma, at most two groups of it under way. Elements are random: a device's clocks depend on how
// many bits change.
#pragma once

#include <cstdint>

#include "kernels/probe/sm90.hpp"
#include "kernels/sm90/grid.cuh"
#include "kernels/sm90/wgmma.cuh"
#include "switchyard/half.hpp"

namespace switchyard::kernels::sm90 {

/// A bf16 in (-2, -0.5] or [0.5, 2), its sign and mantissa by a hash of i.
[[nodiscard]] __device__ inline std::uint16_t random_bf16(std::uint32_t i) {
  std::uint32_t hash = (i + 1) * 0x9e3779b9U;
  hash = (hash ^ (hash >> 15U)) * 0x85ebca6bU;
  hash ^= hash >> 13U;
  return static_cast<std::uint16_t>((hash & 0x80ffU) | 0x3f00U);
}

__global__ void __launch_bounds__(ProductProbe::kThreads, 1)
    probe_products(std::uint32_t* sink) {
  using Probe = ProductProbe;
  wait_for_predecessors();
  extern __shared__ std::uint16_t elements[];
  for (std::uint32_t i = threadIdx.x; i < Probe::kSharedBytes / 2; i += Probe::kThreads)
    elements[i] = random_bf16(i);
  asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
  __syncthreads();

  const auto columns = static_cast<std::uint32_t>(__cvta_generic_to_shared(elements));
  const std::uint32_t rows = columns + Probe::kColumnBytes + threadIdx.x / 128 * Probe::kRowBytes;
  const std::uint64_t a = matrix_descriptor(rows);
  const std::uint64_t b = matrix_descriptor(columns);
  float sums[Probe::kColumns / 2] = {};
  for (std::int32_t round = 0; round < Probe::kRounds; ++round) {
    pin(sums);
    wgmma_fence();
#pragma unroll
    for (int k = 0; k < Probe::kSteps; ++k)
      Wgmma<bf16, Probe::kColumns>::multiply(sums, a + 2 * k, b + 2 * k);
    wgmma_commit();
    wgmma_wait<1>();
  }
  wgmma_wait<0>();
  pin(sums);
  float total = 0.0F;
#pragma unroll
  for (const float sum : sums) total += sum;
  sink[blockIdx.x * Probe::kThreads + threadIdx.x] = __float_as_uint(total);
}

}  // namespace switchyard::kernels::sm90
