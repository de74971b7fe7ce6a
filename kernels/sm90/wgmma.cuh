// SPDX-License-Identifier: Apache-2.0
// Warpgroup matrix products (PTX wgmma): m64nNk16 with both operands in shared memory, f32 sums in
// registers.
#pragma once

#include <cstdint>

#include "switchyard/half.hpp"

namespace switchyard::kernels::sm90 {

/// A matrix of 128-byte rows in shared memory, K-major, with the 128-byte swizzle; groups of eight
/// rows are 1024 bytes apart. Adding 2 moves it by 16 elements of K.
[[nodiscard]] __device__ __forceinline__ std::uint64_t matrix_descriptor(std::uint32_t address) {
  constexpr std::uint64_t kSwizzle128 = std::uint64_t{1} << 62U;
  constexpr std::uint64_t kGroupStride = std::uint64_t{1024 / 16} << 32U;
  constexpr std::uint64_t kUnusedStride = std::uint64_t{1} << 16U;
  return kSwizzle128 | kGroupStride | kUnusedStride | ((address & 0x3ffffU) >> 4U);
}

__device__ __forceinline__ void wgmma_fence() {
  asm volatile("wgmma.fence.sync.aligned;" ::: "memory");
}
__device__ __forceinline__ void wgmma_commit() {
  asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory");
}
/// Waits until at most kPending groups are under way.
template <int kPending>
__device__ __forceinline__ void wgmma_wait() {
  asm volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(kPending) : "memory");
}
/// No sum may be moved across this point by the compiler, which does not know that a product under
/// way writes it.
template <int kCount>
__device__ __forceinline__ void pin(float (&sums)[kCount]) {
#pragma unroll
  for (int i = 0; i < kCount; ++i) asm volatile("" : "+f"(sums[i])::"memory");
}

/// multiply(d, a, b): d += A [64, 16] * B [kColumns, 16]^T, asynchronous, by a warpgroup. Thread
/// (warp w, lane l) holds in d[4j], d[4j + 1] row 16w + l / 4 and columns 8j + 2 (l % 4) and the
/// next; in d[4j + 2], d[4j + 3] the same columns of the row eight below.
template <class Element, int kColumns>
struct Wgmma;

// The registers d[0] .. d[n - 1], by name and as operands.
#define SWITCHYARD_NAMES_4 "%0,%1,%2,%3"
#define SWITCHYARD_SUMS_4 "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
#define SWITCHYARD_NAMES_8 SWITCHYARD_NAMES_4 ",%4,%5,%6,%7"
#define SWITCHYARD_SUMS_8 SWITCHYARD_SUMS_4, "+f"(d[4]), "+f"(d[5]), "+f"(d[6]), "+f"(d[7])
#define SWITCHYARD_NAMES_12 SWITCHYARD_NAMES_8 ",%8,%9,%10,%11"
#define SWITCHYARD_SUMS_12 SWITCHYARD_SUMS_8, "+f"(d[8]), "+f"(d[9]), "+f"(d[10]), "+f"(d[11])
#define SWITCHYARD_NAMES_16 SWITCHYARD_NAMES_12 ",%12,%13,%14,%15"
#define SWITCHYARD_SUMS_16 SWITCHYARD_SUMS_12, "+f"(d[12]), "+f"(d[13]), "+f"(d[14]), "+f"(d[15])
#define SWITCHYARD_NAMES_20 SWITCHYARD_NAMES_16 ",%16,%17,%18,%19"
#define SWITCHYARD_SUMS_20 SWITCHYARD_SUMS_16, "+f"(d[16]), "+f"(d[17]), "+f"(d[18]), "+f"(d[19])
#define SWITCHYARD_NAMES_24 SWITCHYARD_NAMES_20 ",%20,%21,%22,%23"
#define SWITCHYARD_SUMS_24 SWITCHYARD_SUMS_20, "+f"(d[20]), "+f"(d[21]), "+f"(d[22]), "+f"(d[23])
#define SWITCHYARD_NAMES_28 SWITCHYARD_NAMES_24 ",%24,%25,%26,%27"
#define SWITCHYARD_SUMS_28 SWITCHYARD_SUMS_24, "+f"(d[24]), "+f"(d[25]), "+f"(d[26]), "+f"(d[27])
#define SWITCHYARD_NAMES_32 SWITCHYARD_NAMES_28 ",%28,%29,%30,%31"
#define SWITCHYARD_SUMS_32 SWITCHYARD_SUMS_28, "+f"(d[28]), "+f"(d[29]), "+f"(d[30]), "+f"(d[31])
#define SWITCHYARD_NAMES_36 SWITCHYARD_NAMES_32 ",%32,%33,%34,%35"
#define SWITCHYARD_SUMS_36 SWITCHYARD_SUMS_32, "+f"(d[32]), "+f"(d[33]), "+f"(d[34]), "+f"(d[35])
#define SWITCHYARD_NAMES_40 SWITCHYARD_NAMES_36 ",%36,%37,%38,%39"
#define SWITCHYARD_SUMS_40 SWITCHYARD_SUMS_36, "+f"(d[36]), "+f"(d[37]), "+f"(d[38]), "+f"(d[39])
#define SWITCHYARD_NAMES_44 SWITCHYARD_NAMES_40 ",%40,%41,%42,%43"
#define SWITCHYARD_SUMS_44 SWITCHYARD_SUMS_40, "+f"(d[40]), "+f"(d[41]), "+f"(d[42]), "+f"(d[43])
#define SWITCHYARD_NAMES_48 SWITCHYARD_NAMES_44 ",%44,%45,%46,%47"
#define SWITCHYARD_SUMS_48 SWITCHYARD_SUMS_44, "+f"(d[44]), "+f"(d[45]), "+f"(d[46]), "+f"(d[47])
#define SWITCHYARD_NAMES_52 SWITCHYARD_NAMES_48 ",%48,%49,%50,%51"
#define SWITCHYARD_SUMS_52 SWITCHYARD_SUMS_48, "+f"(d[48]), "+f"(d[49]), "+f"(d[50]), "+f"(d[51])
#define SWITCHYARD_NAMES_56 SWITCHYARD_NAMES_52 ",%52,%53,%54,%55"
#define SWITCHYARD_SUMS_56 SWITCHYARD_SUMS_52, "+f"(d[52]), "+f"(d[53]), "+f"(d[54]), "+f"(d[55])
#define SWITCHYARD_NAMES_60 SWITCHYARD_NAMES_56 ",%56,%57,%58,%59"
#define SWITCHYARD_SUMS_60 SWITCHYARD_SUMS_56, "+f"(d[56]), "+f"(d[57]), "+f"(d[58]), "+f"(d[59])
#define SWITCHYARD_NAMES_64 SWITCHYARD_NAMES_60 ",%60,%61,%62,%63"
#define SWITCHYARD_SUMS_64 SWITCHYARD_SUMS_60, "+f"(d[60]), "+f"(d[61]), "+f"(d[62]), "+f"(d[63])
#define SWITCHYARD_NAMES_68 SWITCHYARD_NAMES_64 ",%64,%65,%66,%67"
#define SWITCHYARD_SUMS_68 SWITCHYARD_SUMS_64, "+f"(d[64]), "+f"(d[65]), "+f"(d[66]), "+f"(d[67])
#define SWITCHYARD_NAMES_72 SWITCHYARD_NAMES_68 ",%68,%69,%70,%71"
#define SWITCHYARD_SUMS_72 SWITCHYARD_SUMS_68, "+f"(d[68]), "+f"(d[69]), "+f"(d[70]), "+f"(d[71])
#define SWITCHYARD_NAMES_76 SWITCHYARD_NAMES_72 ",%72,%73,%74,%75"
#define SWITCHYARD_SUMS_76 SWITCHYARD_SUMS_72, "+f"(d[72]), "+f"(d[73]), "+f"(d[74]), "+f"(d[75])
#define SWITCHYARD_NAMES_80 SWITCHYARD_NAMES_76 ",%76,%77,%78,%79"
#define SWITCHYARD_SUMS_80 SWITCHYARD_SUMS_76, "+f"(d[76]), "+f"(d[77]), "+f"(d[78]), "+f"(d[79])

#define SWITCHYARD_WGMMA_OF(Element, types, columns, count, a, b)                            \
  template <>                                                                               \
  struct Wgmma<Element, columns> {                                                          \
    __device__ static __forceinline__ void multiply(float (&d)[count], std::uint64_t first, \
                                                    std::uint64_t second) {                 \
      asm volatile("wgmma.mma_async.sync.aligned.m64n" #columns "k16.f32." types            \
                   " {" SWITCHYARD_NAMES_##count "}, %" #a ", %" #b ", 1, 1, 1, 0, 0;"      \
                   : SWITCHYARD_SUMS_##count                                                \
                   : "l"(first), "l"(second));                                              \
    }                                                                                       \
  }
/// columns, sums per thread, and the numbers of the operands behind the sums.
#define SWITCHYARD_WGMMA(columns, count, a, b)                          \
  SWITCHYARD_WGMMA_OF(bf16, "bf16.bf16", columns, count, a, b);         \
  SWITCHYARD_WGMMA_OF(f16, "f16.f16", columns, count, a, b)

SWITCHYARD_WGMMA(8, 4, 4, 5);
SWITCHYARD_WGMMA(16, 8, 8, 9);
SWITCHYARD_WGMMA(24, 12, 12, 13);
SWITCHYARD_WGMMA(32, 16, 16, 17);
SWITCHYARD_WGMMA(40, 20, 20, 21);
SWITCHYARD_WGMMA(48, 24, 24, 25);
SWITCHYARD_WGMMA(56, 28, 28, 29);
SWITCHYARD_WGMMA(64, 32, 32, 33);
SWITCHYARD_WGMMA(72, 36, 36, 37);
SWITCHYARD_WGMMA(80, 40, 40, 41);
SWITCHYARD_WGMMA(88, 44, 44, 45);
SWITCHYARD_WGMMA(96, 48, 48, 49);
SWITCHYARD_WGMMA(104, 52, 52, 53);
SWITCHYARD_WGMMA(112, 56, 56, 57);
SWITCHYARD_WGMMA(120, 60, 60, 61);
SWITCHYARD_WGMMA(128, 64, 64, 65);
SWITCHYARD_WGMMA(136, 68, 68, 69);
SWITCHYARD_WGMMA(144, 72, 72, 73);
SWITCHYARD_WGMMA(152, 76, 76, 77);
SWITCHYARD_WGMMA(160, 80, 80, 81);

#undef SWITCHYARD_NAMES_4
#undef SWITCHYARD_SUMS_4
#undef SWITCHYARD_NAMES_8
#undef SWITCHYARD_SUMS_8
#undef SWITCHYARD_NAMES_12
#undef SWITCHYARD_SUMS_12
#undef SWITCHYARD_NAMES_16
#undef SWITCHYARD_SUMS_16
#undef SWITCHYARD_NAMES_20
#undef SWITCHYARD_SUMS_20
#undef SWITCHYARD_NAMES_24
#undef SWITCHYARD_SUMS_24
#undef SWITCHYARD_NAMES_28
#undef SWITCHYARD_SUMS_28
#undef SWITCHYARD_NAMES_32
#undef SWITCHYARD_SUMS_32
#undef SWITCHYARD_NAMES_36
#undef SWITCHYARD_SUMS_36
#undef SWITCHYARD_NAMES_40
#undef SWITCHYARD_SUMS_40
#undef SWITCHYARD_NAMES_44
#undef SWITCHYARD_SUMS_44
#undef SWITCHYARD_NAMES_48
#undef SWITCHYARD_SUMS_48
#undef SWITCHYARD_NAMES_52
#undef SWITCHYARD_SUMS_52
#undef SWITCHYARD_NAMES_56
#undef SWITCHYARD_SUMS_56
#undef SWITCHYARD_NAMES_60
#undef SWITCHYARD_SUMS_60
#undef SWITCHYARD_NAMES_64
#undef SWITCHYARD_SUMS_64
#undef SWITCHYARD_NAMES_68
#undef SWITCHYARD_SUMS_68
#undef SWITCHYARD_NAMES_72
#undef SWITCHYARD_SUMS_72
#undef SWITCHYARD_NAMES_76
#undef SWITCHYARD_SUMS_76
#undef SWITCHYARD_NAMES_80
#undef SWITCHYARD_SUMS_80
#undef SWITCHYARD_WGMMA_OF
#undef SWITCHYARD_WGMMA

}  // namespace switchyard::kernels::sm90
