// SPDX-License-Identifier: Apache-2.0
// The host machine: what bounds a run on it.
#pragma once

#include <cstdint>

namespace switchyard::tools {

/// Bytes that may still be allocated: by the kernel's account and this process's control group.
/// 0: unknown.
[[nodiscard]] std::uint64_t available_memory();

/// Bytes of the largest cache that the system reports; 32 MiB where it reports none.
[[nodiscard]] std::uint64_t last_level_cache();

/// What the host can do at most, measured.
struct Ceilings {
  double bytes_per_second = 0.0;
  double flops_per_second = 0.0;  ///< 0: unknown; the floor is that of the bytes alone.
};

/// Reads a buffer of four last-level caches with `threads` threads; the best of a few passes.
[[nodiscard]] double measure_read_bandwidth(int threads);

/// Multiply-adds of f32 in registers on `threads` threads, by the widest instructions that this CPU
/// has; the best of a few runs. A multiply-add is two operations.
[[nodiscard]] double measure_peak_flops(int threads);

}  // namespace switchyard::tools
