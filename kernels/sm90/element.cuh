// SPDX-License-Identifier: Apache-2.0
// 16-bit elements in registers and shared memory.
#pragma once

#include <cstdint>

#include "switchyard/half.hpp"

namespace switchyard::kernels::sm90 {

/// Two elements in a word, the lower one first. A NaN becomes the type's canonical one.
template <class Element>
[[nodiscard]] __device__ __forceinline__ std::uint32_t pack(float low, float high);
template <>
__device__ __forceinline__ std::uint32_t pack<bf16>(float low, float high) {
  std::uint32_t word;
  asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(word) : "f"(high), "f"(low));
  return word;
}
template <>
__device__ __forceinline__ std::uint32_t pack<f16>(float low, float high) {
  std::uint32_t word;
  asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(word) : "f"(high), "f"(low));
  return word;
}

/// The two elements of a word.
template <class Element>
[[nodiscard]] __device__ __forceinline__ float2 unpack(std::uint32_t word);
template <>
__device__ __forceinline__ float2 unpack<bf16>(std::uint32_t word) {
  return {__uint_as_float(word << 16U), __uint_as_float(word & 0xffff0000U)};
}
template <>
__device__ __forceinline__ float2 unpack<f16>(std::uint32_t word) {
  float2 values;
  asm("{.reg .f16 low, high; mov.b32 {low, high}, %2;"
      " cvt.f32.f16 %0, low; cvt.f32.f16 %1, high;}"
      : "=f"(values.x), "=f"(values.y)
      : "r"(word));
  return values;
}

/// Stores four 8 x 8 blocks of elements, each transposed: lane l's words hold row l / 4, columns
/// 2 * (l % 4) and the next of blocks 0 to 3; lanes 8i .. 8i + 7 bring the addresses of the
/// transposed rows of block i.
__device__ __forceinline__ void store_transposed(std::uint32_t address,
                                                 const std::uint32_t (&words)[4]) {
  asm volatile("stmatrix.sync.aligned.m8n8.x4.trans.shared.b16 [%0], {%1, %2, %3, %4};" ::"r"(
                   address),
               "r"(words[0]), "r"(words[1]), "r"(words[2]), "r"(words[3])
               : "memory");
}

/// A word of shared memory.
__device__ __forceinline__ void store_shared(std::uint32_t address, std::uint32_t word) {
  asm volatile("st.shared.u32 [%0], %1;" ::"r"(address), "r"(word) : "memory");
}
[[nodiscard]] __device__ __forceinline__ std::uint32_t load_shared(std::uint32_t address) {
  std::uint32_t word;
  asm volatile("ld.shared.u32 %0, [%1];" : "=r"(word) : "r"(address) : "memory");
  return word;
}

/// 16 bytes of shared memory.
[[nodiscard]] __device__ __forceinline__ uint4 load_shared16(std::uint32_t address) {
  uint4 words;
  asm volatile("ld.shared.v4.u32 {%0, %1, %2, %3}, [%4];"
               : "=r"(words.x), "=r"(words.y), "=r"(words.z), "=r"(words.w)
               : "r"(address)
               : "memory");
  return words;
}

/// Eight elements to global memory; kAligned: to a multiple of 16 bytes.
template <bool kAligned, class Element>
__device__ __forceinline__ void store_elements(Element* to, uint4 words) {
  if constexpr (kAligned) {
    *reinterpret_cast<uint4*>(to) = words;
    return;
  }
  const std::uint32_t all[4] = {words.x, words.y, words.z, words.w};
  for (int i = 0; i < 8; ++i)
    to[i].bits = static_cast<std::uint16_t>(all[i / 2] >> (i % 2 * 16));
}

}  // namespace switchyard::kernels::sm90
