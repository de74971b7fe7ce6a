// SPDX-License-Identifier: Apache-2.0
// Copies from global to shared memory, and what the L2 cache is told of them.
#pragma once

#include <cstdint>

#include "kernels/sm90/barrier.cuh"
#include "kernels/sm90/l2_keep.hpp"
#include "kernels/sm90/tensor_map.hpp"

namespace switchyard::kernels::sm90 {

[[nodiscard]] __device__ __forceinline__ std::uint64_t l2_policy(L2Keep keep) {
  std::uint64_t policy;
  if (keep == L2Keep::evict_first)
    asm volatile("createpolicy.fractional.L2::evict_first.b64 %0, 1.0;" : "=l"(policy));
  else if (keep == L2Keep::evict_last)
    asm volatile("createpolicy.fractional.L2::evict_last.b64 %0, 1.0;" : "=l"(policy));
  else
    asm volatile("createpolicy.fractional.L2::evict_normal.b64 %0, 1.0;" : "=l"(policy));
  return policy;
}

/// Where `wanted`: 16 bytes, or zeros where `bytes` is 0 (`from` is not read then), by this thread.
/// Barrier::arrive_after_copies tells when. No branch.
__device__ __forceinline__ void copy16(bool wanted, std::uint32_t to, const void* from, int bytes,
                                       std::uint64_t policy) {
  asm volatile(
      "{.reg .pred wanted; setp.ne.s32 wanted, %4, 0;"
      " @wanted cp.async.cg.shared.global.L2::cache_hint.L2::128B [%0], [%1], 16, %2, %3;}" ::"r"(
          to),
      "l"(from), "r"(bytes), "l"(policy), "r"(wanted ? 1 : 0)
      : "memory");
}
__device__ __forceinline__ void wait_for_copies() {
  asm volatile("cp.async.wait_all;" ::: "memory");
}

/// Brings contiguous bytes to L2.
__device__ __forceinline__ void bulk_prefetch(const void* from, int bytes) {
  asm volatile("cp.async.bulk.prefetch.L2.global [%0], %1;" ::"l"(from), "r"(bytes) : "memory");
}
/// Contiguous bytes by the copy engine, announced to `barrier`.
__device__ __forceinline__ void bulk_copy(std::uint32_t to, const void* from, int bytes,
                                          Barrier barrier, std::uint64_t policy) {
  asm volatile(
      "cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes.L2::cache_hint"
      " [%0], [%1], %2, [%3], %4;" ::"r"(to),
      "l"(from), "r"(bytes), "r"(barrier.address), "l"(policy)
      : "memory");
}
/// The same to the same place of every block in `mask`, announced to the same barrier of each.
__device__ __forceinline__ void bulk_multicast(std::uint32_t to, const void* from, int bytes,
                                               Barrier barrier, std::uint16_t mask,
                                               std::uint64_t policy) {
  asm volatile(
      "cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes.multicast::cluster"
      ".L2::cache_hint [%0], [%1], %2, [%3], %4, %5;" ::"r"(to),
      "l"(from), "r"(bytes), "r"(barrier.address), "h"(mask), "l"(policy)
      : "memory");
}

/// A box of a matrix, its first element at (row, column), announced to `barrier`.
__device__ __forceinline__ void box_copy(std::uint32_t to, const TensorMap& map, int column,
                                         int row, Barrier barrier) {
  asm volatile(
      "cp.async.bulk.tensor.2d.shared::cluster.global.tile.mbarrier::complete_tx::bytes"
      " [%0], [%1, {%3, %4}], [%2];" ::"r"(to),
      "l"(&map), "r"(barrier.address), "r"(column), "r"(row)
      : "memory");
}

}  // namespace switchyard::kernels::sm90
