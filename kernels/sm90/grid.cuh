// SPDX-License-Identifier: Apache-2.0
// A kernel among its neighbours: programmatic dependent launch, clusters, registers.
#pragma once

#include <cstdint>

namespace switchyard::kernels::sm90 {

/// Waits until the kernels that this one depends on are done and their memory is visible. Comes
/// before the first read of what they wrote and before the first write to global memory.
__device__ __forceinline__ void wait_for_predecessors() {
  asm volatile("griddepcontrol.wait;" ::: "memory");
}

/// Lets kernels that depend on this one start. Comes after wait_for_predecessors, so that whoever
/// has started knows the predecessors' predecessors to be done.
__device__ __forceinline__ void start_successors() {
  asm volatile("griddepcontrol.launch_dependents;" ::: "memory");
}

/// All threads of the cluster meet.
__device__ __forceinline__ void meet_cluster() {
  asm volatile("barrier.cluster.arrive.release.aligned; barrier.cluster.wait.acquire.aligned;" ::
                   : "memory");
}

/// The first half of a meeting that leaves room for work between its halves. It orders no memory
/// but what a fence before it does. Each thread waits before it arrives anew.
__device__ __forceinline__ void arrive_at_cluster() {
  asm volatile("barrier.cluster.arrive.relaxed;" ::: "memory");
}

/// The second half: until all threads of the cluster have arrived.
__device__ __forceinline__ void wait_for_cluster() {
  asm volatile("barrier.cluster.wait.acquire;" ::: "memory");
}

/// This block's rank in its cluster.
[[nodiscard]] __device__ __forceinline__ int cluster_rank() {
  int rank;
  asm volatile("mov.u32 %0, %%cluster_ctarank;" : "=r"(rank));
  return rank;
}

/// Gives up registers of this warpgroup, or takes some that others gave up.
template <int kRegisters>
__device__ __forceinline__ void shrink_registers() {
  asm volatile("setmaxnreg.dec.sync.aligned.u32 %0;" ::"n"(kRegisters));
}
template <int kRegisters>
__device__ __forceinline__ void grow_registers() {
  asm volatile("setmaxnreg.inc.sync.aligned.u32 %0;" ::"n"(kRegisters));
}

}  // namespace switchyard::kernels::sm90
