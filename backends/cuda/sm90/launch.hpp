// SPDX-License-Identifier: Apache-2.0
// Launches with the attributes that kernels for compute capability 9.0 want.
#pragma once

#include <cstddef>
#include <span>

#include "backends/cuda/native.hpp"

namespace switchyard::sm90 {

/// The extents of a launch.
struct Extents {
  unsigned num_blocks;
  unsigned num_threads;
  std::size_t shared_bytes = 0;
  unsigned cluster_size = 1;
};

/// Enqueues a kernel that waits for its predecessors itself (kernels/sm90/grid.cuh) and may start
/// before they end.
void launch_dependent(int device, cudaStream_t stream, const void* kernel, const Extents& extents,
                      std::span<void*> arguments);

/// Clusters of the extents' size that the device runs at the same time.
[[nodiscard]] int max_clusters(const void* kernel, const Extents& extents);

}  // namespace switchyard::sm90
