// SPDX-License-Identifier: Apache-2.0
// Stage "combine" for compute capability 9.0, at the speed of memory: a thread sums eight columns
// of a token, and has 16 bytes of up to eight expert rows under way at once. The sums are those of
// the portable body, operation by operation: compiled without contraction. Where nobody reads the
// expert rows afterwards, lines of L2 are discarded as they have been read, so that the memory is
// not written for nothing.
#pragma once

#include <cstdint>

#include "kernels/combine/params.hpp"
#include "kernels/combine/sm90_rows.hpp"
#include "kernels/elements.hpp"
#include "kernels/math.hpp"
#include "kernels/sm90/element.cuh"
#include "kernels/sm90/grid.cuh"

namespace switchyard::kernels::sm90 {

/// Eight neighbouring columns of an output row while they are summed.
template <class Element>
struct ColumnSums {
  float sum[8] = {};

  __device__ __forceinline__ void add(float weight, const uint4& elements) {
    const std::uint32_t words[4] = {elements.x, elements.y, elements.z, elements.w};
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      const float2 values = unpack<Element>(words[i]);
      sum[2 * i] += weight * values.x;
      sum[2 * i + 1] += weight * values.y;
    }
  }
  [[nodiscard]] __device__ __forceinline__ uint4 rounded() const {
    return {pack<Element>(sum[0], sum[1]), pack<Element>(sum[2], sum[3]),
            pack<Element>(sum[4], sum[5]), pack<Element>(sum[6], sum[7])};
  }
};

/// Sixteen bytes that are read once.
[[nodiscard]] __device__ __forceinline__ uint4 load_once(const void* row_major, std::int64_t first) {
  return __ldcs(reinterpret_cast<const uint4*>(static_cast<const bf16*>(row_major) + first));
}

/// The same where `present`, without a branch: loads of other rows stay under way.
[[nodiscard]] __device__ __forceinline__ uint4 load_present(bool present, const void* row_major,
                                                            std::int64_t first) {
  uint4 words{};
  asm volatile(
      "{.reg .pred present; setp.ne.s32 present, %5, 0;"
      " @present ld.global.cs.v4.u32 {%0, %1, %2, %3}, [%4];}"
      : "+r"(words.x), "+r"(words.y), "+r"(words.z), "+r"(words.w)
      : "l"(static_cast<const bf16*>(row_major) + first), "r"(present ? 1 : 0));
  return words;
}

/// Discards the line that this thread and the seven beside it, which call it together, have read
/// 16 bytes each of; `first` is the thread's own first element.
__device__ __forceinline__ void discard_line(const void* row_major, std::int64_t first) {
  constexpr unsigned kThreads = static_cast<unsigned>(kLineBytes) / 16;
  const unsigned lane = threadIdx.x % 32;
  __syncwarp(((1U << kThreads) - 1) << (lane / kThreads * kThreads));
  if (lane % kThreads == 0)
    asm volatile("discard.global.L2 [%0], %1;" ::"l"(static_cast<const bf16*>(row_major) + first),
                 "n"(kLineBytes)
                 : "memory");
}

/// Adds the token's expert rows in the order of k, kBatch loads at a time.
template <class Element, int kBatch, ReadRows kRead>
__device__ __forceinline__ void add_experts(const CombineParams& params, std::int64_t token,
                                            std::int64_t column, ColumnSums<Element>& sums) {
  for (std::int32_t first = 0; first < params.top_k; first += kBatch) {
    std::int32_t row[kBatch];
    float weight[kBatch];
    uint4 elements[kBatch];
#pragma unroll
    for (int i = 0; i < kBatch; ++i) {
      const std::int64_t pair = token * params.top_k + first + i;
      const bool present = first + i < params.top_k;
      row[i] = present ? value_of(params.pairs_by_token[pair]) : -1;
      weight[i] = !present || params.pair_weights == nullptr ? 1.0F : params.pair_weights[pair];
    }
#pragma unroll
    for (int i = 0; i < kBatch; ++i)
      elements[i] = load_present(row[i] >= 0, params.expert_rows,
                                 std::int64_t{row[i]} * params.hidden_size + column);
#pragma unroll
    for (int i = 0; i < kBatch; ++i)
      if (row[i] >= 0) sums.add(weight[i], elements[i]);
    if constexpr (kRead == ReadRows::discarded) {
#pragma unroll
      for (int i = 0; i < kBatch; ++i)
        if (row[i] >= 0)
          discard_line(params.expert_rows, std::int64_t{row[i]} * params.hidden_size + column);
    }
  }
}

/// Blocks are numbered token by token; params.hidden_size is a multiple of 8, and all rows are
/// aligned to 16 bytes. ReadRows::discarded: expert rows are whole lines.
template <class Element, int kBatch, ReadRows kRead>
__global__ void __launch_bounds__(256) combine(const __grid_constant__ CombineParams params) {
  wait_for_predecessors();
  start_successors();
  const std::int32_t chunks = params.hidden_size / 8;
  const std::int32_t blocks = (chunks + static_cast<std::int32_t>(blockDim.x) - 1) /
                              static_cast<std::int32_t>(blockDim.x);
  const std::int64_t token = static_cast<std::int32_t>(blockIdx.x) / blocks;
  const std::int32_t chunk = static_cast<std::int32_t>(blockIdx.x) % blocks *
                                 static_cast<std::int32_t>(blockDim.x) +
                             static_cast<std::int32_t>(threadIdx.x);
  if (chunk >= chunks) return;
  const std::int64_t column = std::int64_t{chunk} * 8;
  const std::int64_t place = token * params.hidden_size + column;
  ColumnSums<Element> sums;
  if (token < live_count(params.live_tokens, params.num_tokens)) {
    add_experts<Element, kBatch, kRead>(params, token, column, sums);
    if (params.shared_rows != nullptr) {
      const float gate = params.shared_gate == nullptr ? 1.0F : sigmoid(params.shared_gate[token]);
      sums.add(gate, load_once(params.shared_rows, place));
    }
    if (params.residual != nullptr) sums.add(1.0F, load_once(params.residual, place));
  }
  *reinterpret_cast<uint4*>(static_cast<Element*>(params.output) + place) = sums.rounded();
}

/// The kernel that suits top_k: fewer rows of a token take fewer registers, so that more threads
/// read at once.
template <class Element, ReadRows kRead>
[[nodiscard]] const void* find_combine(std::int32_t top_k) noexcept {
  if (top_k <= 2) return reinterpret_cast<const void*>(&combine<Element, 2, kRead>);
  if (top_k <= 4) return reinterpret_cast<const void*>(&combine<Element, 4, kRead>);
  return reinterpret_cast<const void*>(&combine<Element, 8, kRead>);
}
template <class Element>
[[nodiscard]] const void* find_combine(std::int32_t top_k, ReadRows read) noexcept {
  return read == ReadRows::discarded ? find_combine<Element, ReadRows::discarded>(top_k)
                                     : find_combine<Element, ReadRows::kept>(top_k);
}

}  // namespace switchyard::kernels::sm90
