// SPDX-License-Identifier: Apache-2.0
// Loads of what another block of the same launch wrote.
#pragma once

#include <cstdint>

namespace switchyard::kernels::sm90 {

/// 16 bytes of global memory, by a load that is never moved above a barrier.
[[nodiscard]] __device__ __forceinline__ uint4 load_fresh16(const void* from) {
  uint4 words;
  asm volatile("ld.global.v4.u32 {%0,%1,%2,%3}, [%4];"
               : "=r"(words.x), "=r"(words.y), "=r"(words.z), "=r"(words.w)
               : "l"(from)
               : "memory");
  return words;
}
/// A number, likewise.
[[nodiscard]] __device__ __forceinline__ float load_fresh(const float* from) {
  float value;
  asm volatile("ld.global.f32 %0, [%1];" : "=f"(value) : "l"(from) : "memory");
  return value;
}

}  // namespace switchyard::kernels::sm90
