// SPDX-License-Identifier: Apache-2.0
// Which of gate_up's units the grid has done: of all groups together, or of sections, so that down
// begins with the groups whose rows are there while others are still multiplied.
//
// A section is neighbouring groups. There are no more of them than a warp has lanes, so that it
// looks at all with one load. To count, a block waits until what it has stored is in L2, which takes
// microseconds where all memory is at work: it does so behind its first ticket, which is half of its
// units, and behind its last.
#pragma once

#include <cstdint>

#include "kernels/fused_layer/sm90_cursor.cuh"

namespace switchyard::kernels::sm90 {

/// Adds the block's units to those done and waits for the others': what all of them wrote is
/// visible then. All threads.
__device__ inline void meet_units(std::uint32_t* done, int own, int all) {
  __syncthreads();
  if (threadIdx.x == 0) {
    asm volatile("red.release.gpu.global.add.u32 [%0], %1;" ::"l"(done), "r"(own) : "memory");
    std::uint32_t seen;
    do asm volatile("ld.acquire.gpu.global.u32 %0, [%1];" : "=r"(seen) : "l"(done) : "memory");
    while (seen < static_cast<std::uint32_t>(all));
  }
  __syncthreads();
}

/// Once the plan is known. By the first warp; a block barrier follows.
__device__ inline void prepare_sections(StreamMemory& memory, int num_groups) {
  if (threadIdx.x < kMaxSections) memory.own_units[threadIdx.x] = 0;
  if (threadIdx.x == 0) memory.section_bits = section_bits(num_groups);
}
/// Units of a section.
[[nodiscard]] __device__ inline int section_units(const StreamMemory& memory) {
  return static_cast<int>(memory.gate_up_strips.value) << memory.section_bits;
}

/// Takes note of the units of a ticket, which all warps have multiplied. Thread 0.
__device__ inline void note_units(int ticket) {
  StreamMemory& memory = stream_memory();
  UnitRange units = units_of(memory.units, ticket);
  const int size = section_units(memory);
#pragma unroll 1
  while (units.first < units.last) {
    const int section = memory.gate_up_strips.divide(units.first) >> memory.section_bits;
    const int last = min(units.last, (section + 1) * size);
    memory.own_units[section] += last - units.first;
    units.first = last;
  }
}

/// Adds what was noted to what the grid has done. Warp 0, behind a block barrier that follows the
/// last store of those units.
__device__ __noinline__ inline void count_units() {
  StreamMemory& memory = stream_memory();
  const int lane = static_cast<int>(threadIdx.x & 31U);
  __syncwarp();
  const std::int32_t own = memory.own_units[lane];
  memory.own_units[lane] = 0;
  asm volatile("fence.acq_rel.gpu;" ::: "memory");
  if (own > 0)
    asm volatile("red.relaxed.gpu.global.add.u32 [%0], %1;" ::"l"(memory.units_done + lane), "r"(own)
                 : "memory");
  __syncwarp();
}

/// The sections that are done, a bit each, once `needed` is among them. A whole warp, which sees
/// their rows then.
[[nodiscard]] __device__ __noinline__ inline std::uint32_t wait_for_section(std::uint32_t needed) {
  const StreamMemory& memory = stream_memory();
  const int lane = static_cast<int>(threadIdx.x & 31U);
  const int size = section_units(memory);
  const int units = min(memory.units.num_units, (lane + 1) * size) - lane * size;
  std::uint32_t done;
  do {
    std::uint32_t seen;
    asm volatile("ld.acquire.gpu.global.u32 %0, [%1];"
                 : "=r"(seen)
                 : "l"(memory.units_done + lane)
                 : "memory");
    done = __ballot_sync(~0U, static_cast<int>(seen) == units);
  } while ((done & needed) == 0);
  __syncwarp();
  return done;
}

/// What a warp knows to be done: sections, or all.
template <bool kHasSections>
class DoneUnits {
 public:
  /// Until all rows of the group are in memory, and seen by the warp.
  __device__ __forceinline__ void wait_for([[maybe_unused]] int group) {
    if constexpr (kHasSections) {
      const std::uint32_t needed = 1U << (group >> stream_memory().section_bits);
      if ((sections_ & needed) == 0) sections_ = wait_for_section(needed);
    }
  }

 private:
  [[maybe_unused]] std::uint32_t sections_ = 0;  // bit per section
};

}  // namespace switchyard::kernels::sm90
