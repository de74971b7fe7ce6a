// SPDX-License-Identifier: Apache-2.0
// Combine in the fused layer kernel: the outputs of a strip's 16 columns, of all tokens, from the
// sums of down in shared memory. Sums run over segments and over k in the order of k. An expert's row
// is rounded as the stages that store it do.
//
// A thread has kColumns neighbouring columns of a token. What counts is how many instructions follow
// each other: few tokens are spread over more threads.
#pragma once

#include <cstdint>

#include "kernels/combine/params.hpp"
#include "kernels/down/params.hpp"
#include "kernels/fused_layer/sm90_memory.hpp"
#include "kernels/fused_layer/sm90_shape.hpp"
#include "kernels/math.hpp"
#include "kernels/sm90/element.cuh"
#include "kernels/sm90/fresh_load.cuh"

namespace switchyard::kernels::sm90 {

/// What down works with beside its stream.
template <Planning kPlanning>
struct DownWork {
  const DownParams& params;
  const CombineParams& combine;
  const SharedPlan<kPlanning>& plan;
  float* sums;  // [down_split][num_rows][16]
  Divisor split;
  int live_tokens;
};

/// The weight of a pair, by its thread, on the way from the block that weighed to the plan of this
/// one, where there is such a block.
template <bool kExists>
class FetchedWeight {
 public:
  __device__ __forceinline__ FetchedWeight([[maybe_unused]] const float* weights,
                                           [[maybe_unused]] int num_pairs) {
    if constexpr (kExists) {
      has_pair_ = static_cast<int>(threadIdx.x) < num_pairs;
      if (has_pair_) weight_ = load_fresh(weights + threadIdx.x);
    }
  }
  template <Planning kPlanning>
  __device__ __forceinline__ void put([[maybe_unused]] SharedPlan<kPlanning>& plan) const {
    if constexpr (kExists)
      if (has_pair_) plan.pair_weight[threadIdx.x] = weight_;
  }

 private:
  [[maybe_unused]] bool has_pair_ = false;
  [[maybe_unused]] float weight_ = 0;
};

template <int kColumns>
struct alignas(kColumns * sizeof(float)) Columns {
  float v[kColumns];

  __device__ __forceinline__ void add_scaled(float weight, const Columns& other) {
#pragma unroll
    for (int i = 0; i < kColumns; ++i) v[i] += weight * other.v[i];
  }
};

/// As rows store them.
template <class Element>
[[nodiscard]] __device__ __forceinline__ std::uint16_t stored(const Columns<1>& from) {
  return static_cast<std::uint16_t>(pack<Element>(from.v[0], 0.0F));
}
template <class Element>
[[nodiscard]] __device__ __forceinline__ uint2 stored(const Columns<4>& from) {
  return make_uint2(pack<Element>(from.v[0], from.v[1]), pack<Element>(from.v[2], from.v[3]));
}
template <class Element>
[[nodiscard]] __device__ __forceinline__ Columns<1> loaded(std::uint16_t from) {
  return {{unpack<Element>(from).x}};
}
template <class Element>
[[nodiscard]] __device__ __forceinline__ Columns<4> loaded(uint2 from) {
  const float2 low = unpack<Element>(from.x), high = unpack<Element>(from.y);
  return {{low.x, low.y, high.x, high.y}};
}
template <class Element, int kColumns>
using Stored = decltype(stored<Element>(Columns<kColumns>{}));

template <class Element, int kColumns>
[[nodiscard]] __device__ __forceinline__ Columns<kColumns> load_columns(const void* row,
                                                                        std::int64_t at) {
  return loaded<Element>(*reinterpret_cast<const Stored<Element, kColumns>*>(
      static_cast<const std::uint16_t*>(row) + at));
}

/// Outputs of one token: columns from `column` of the strip on, from `h` of the row.
template <class Element, int kColumns, Planning kPlanning>
[[nodiscard]] __device__ __forceinline__ Columns<kColumns> combine_token(
    const DownWork<kPlanning>& work, int token, int column, std::int64_t h) {
  constexpr int kBatch = kColumns == 1 ? 8 : 4;  // pairs whose sums are read together
  const CombineParams& params = work.combine;
  const SharedPlan<kPlanning>& plan = work.plan;
  const std::int64_t hidden = params.hidden_size;
  const int top_k = params.top_k, split = static_cast<int>(work.split.value);
  const int segment_size = plan.num_rows * kStripRows;
  const bool weighs = params.pair_weights != nullptr;
  Columns<kColumns> sum{};
#pragma unroll 1
  for (int k = 0; k < top_k; k += kBatch) {
    const int first = token * top_k + k;
    int place[kBatch];  // in a segment's sums, -1: no pair, or one that is skipped
    float weight[kBatch];
    Columns<kColumns> v[kBatch] = {};
#pragma unroll
    for (int i = 0; i < kBatch; ++i) {
      const int row = k + i < top_k ? std::int32_t{plan.pair_row[first + i]} : kNone16;
      place[i] = row == kNone16 ? -1 : row * kStripRows + column;
      weight[i] = weighs && k + i < top_k ? plan.pair_weight[first + i] : 1.0F;
    }
#pragma unroll 1
    for (int s = 0; s < split; ++s)
#pragma unroll
      for (int i = 0; i < kBatch; ++i)
        if (place[i] >= 0)
          v[i].add_scaled(1.0F, *reinterpret_cast<const Columns<kColumns>*>(
                                    work.sums + (s * segment_size + place[i])));
    if (work.params.bias != nullptr) {
#pragma unroll
      for (int i = 0; i < kBatch; ++i)
        if (place[i] >= 0)
          v[i].add_scaled(1.0F, *reinterpret_cast<const Columns<kColumns>*>(
                                    work.params.bias + plan.pair_expert[first + i] * hidden + h));
    }
#pragma unroll
    for (int i = 0; i < kBatch; ++i)
      if (place[i] >= 0) sum.add_scaled(weight[i], loaded<Element>(stored<Element>(v[i])));
  }
  const std::int64_t at = token * hidden + h;
  if (params.shared_rows != nullptr)
    sum.add_scaled(params.shared_gate == nullptr ? 1.0F : sigmoid(params.shared_gate[token]),
                   load_columns<Element, kColumns>(params.shared_rows, at));
  if (params.residual != nullptr)
    sum.add_scaled(1.0F, load_columns<Element, kColumns>(params.residual, at));
  return sum;
}

template <class Element, int kColumns, Planning kPlanning>
__device__ __forceinline__ void combine_columns(const DownWork<kPlanning>& work, int strip) {
  constexpr int kParts = kStripRows / kColumns;
#pragma unroll 1
  for (int i = static_cast<int>(threadIdx.x); i < work.combine.num_tokens * kParts;
       i += kFusedThreads) {
    const int token = i / kParts, column = i % kParts * kColumns;
    const std::int64_t h = std::int64_t{strip} * kStripRows + column;
    Columns<kColumns> v{};
    if (token < work.live_tokens) v = combine_token<Element, kColumns>(work, token, column, h);
    *reinterpret_cast<Stored<Element, kColumns>*>(
        static_cast<std::uint16_t*>(work.combine.output) +
        token * std::int64_t{work.combine.hidden_size} + h) = stored<Element>(v);
  }
}

/// The strip's outputs of all tokens.
template <class Element, Planning kPlanning>
__device__ __forceinline__ void combine_strip(const DownWork<kPlanning>& work, int strip) {
  if constexpr (kPlanning == Planning::stage) {
    if (work.combine.num_tokens * kStripRows > kFusedThreads)
      return combine_columns<Element, 4>(work, strip);
  }
  static_assert(kRoutedMaxTokens * kStripRows <= kFusedThreads);
  combine_columns<Element, 1>(work, strip);
}

}  // namespace switchyard::kernels::sm90
