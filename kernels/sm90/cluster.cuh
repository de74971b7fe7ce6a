// SPDX-License-Identifier: Apache-2.0
// A meeting of a cluster's blocks in two halves, with work between them.
#pragma once

namespace switchyard::kernels::sm90 {

/// The first half of a meeting of the cluster, which orders no memory but what a fence before it
/// does. Each thread waits before it arrives anew.
__device__ __forceinline__ void arrive_at_cluster() {
  asm volatile("barrier.cluster.arrive.relaxed;" ::: "memory");
}

/// The second half: until all threads of the cluster have arrived.
__device__ __forceinline__ void wait_for_cluster() {
  asm volatile("barrier.cluster.wait.acquire;" ::: "memory");
}

}  // namespace switchyard::kernels::sm90
