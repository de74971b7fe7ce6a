// SPDX-License-Identifier: Apache-2.0
// Barriers in shared memory (PTX mbarrier) and barriers among the threads of a block.
#pragma once

#include <cstdint>

namespace switchyard::kernels::sm90 {

/// The address of shared memory as PTX takes it.
[[nodiscard]] __device__ __forceinline__ std::uint32_t shared_address(const void* memory) {
  return static_cast<std::uint32_t>(__cvta_generic_to_shared(memory));
}

/// Names a barrier of 8 bytes in shared memory, whose phases complete when `count` arrivals and all
/// announced bytes have come.
struct Barrier {
  std::uint32_t address;  // shared

  __device__ __forceinline__ void init(int count) const {
    asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" ::"r"(address), "r"(count) : "memory");
  }
  __device__ __forceinline__ void arrive() const {
    asm volatile("mbarrier.arrive.shared::cta.b64 _, [%0];" ::"r"(address) : "memory");
  }
  /// Arrives, and announces bytes that copies will bring in this phase.
  __device__ __forceinline__ void arrive_expecting(int bytes) const {
    asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(address),
                 "r"(bytes)
                 : "memory");
  }
  /// Arrives at the same barrier of block `rank` of the cluster.
  __device__ __forceinline__ void arrive_at(int rank) const {
    asm volatile(
        "{.reg .b32 remote; mapa.shared::cluster.u32 remote, %0, %1;"
        " mbarrier.arrive.shared::cluster.b64 _, [remote];}" ::"r"(address),
        "r"(rank)
        : "memory");
  }
  /// Stores a word to shared address `to` of block `rank` of the cluster, announced to the same
  /// barrier of that block.
  __device__ __forceinline__ void store_at(int rank, std::uint32_t to, std::uint32_t word) const {
    asm volatile(
        "{.reg .b32 there, remote; mapa.shared::cluster.u32 there, %1, %3;"
        " mapa.shared::cluster.u32 remote, %0, %3;"
        " st.async.shared::cluster.mbarrier::complete_tx::bytes.u32 [there], %2, [remote];}" ::"r"(
            address),
        "r"(to), "r"(word), "r"(rank)
        : "memory");
  }
  /// Arrives once this thread's earlier cp.async have landed.
  __device__ __forceinline__ void arrive_after_copies() const {
    asm volatile("cp.async.mbarrier.arrive.noinc.shared::cta.b64 [%0];" ::"r"(address)
                 : "memory");
  }
  /// Waits for the end of the phase of this parity: 0 for the first, then 1, 0, ...
  __device__ __forceinline__ void wait(std::uint32_t parity) const {
    constexpr std::uint32_t kSuspendNanoseconds = 10'000'000;
    asm volatile(
        "{.reg .pred done;"
        " WAIT: mbarrier.try_wait.parity.shared::cta.b64 done, [%0], %1, %2;"
        " @done bra DONE; bra WAIT; DONE: }" ::"r"(address),
        "r"(parity), "r"(kSuspendNanoseconds)
        : "memory");
  }
};

/// Makes initialised barriers visible to the cluster and to the copy engine.
__device__ __forceinline__ void fence_barrier_init() {
  asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
}

/// Orders this thread's ordinary accesses to shared memory before later ones of the copy engine and
/// the tensor cores.
__device__ __forceinline__ void fence_async_proxy() {
  asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
}

/// `threads` threads of the block meet at barrier `id` in [1, 16).
__device__ __forceinline__ void meet(int id, int threads) {
  asm volatile("bar.sync %0, %1;" ::"r"(id), "r"(threads) : "memory");
}

}  // namespace switchyard::kernels::sm90
