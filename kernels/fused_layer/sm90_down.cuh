// SPDX-License-Identifier: Apache-2.0
// The down phase of the fused layer kernel, and combine in it: a block owns strips of 16 output
// columns, for all tokens.
//
// A warp takes whole items, a group's rows by one segment of the inner dimension, and leaves their
// sums in shared memory, [segment][packed row][16] f32. No warp waits for another until all items of
// the strip are done; then the block adds, per token, over segments and over k in the order of k.
#pragma once

#include <cstdint>

#include "kernels/combine/params.hpp"
#include "kernels/down/params.hpp"
#include "kernels/fused_layer/sm90_math.cuh"
#include "kernels/math.hpp"
#include "kernels/sm90/fresh_load.cuh"

namespace switchyard::kernels::sm90 {

/// What down works with beside its stream.
struct DownWork {
  const DownParams& params;
  const CombineParams& combine;
  const SharedPlan& plan;
  float* sums;  // [down_split][num_rows][16]
  Divisor split;
  int live_tokens;
};

/// Stages [first, last) of the inner dimension.
struct StageRange {
  int first;
  int last;
};

/// One item: stages [first, last) of the strip, for a group of at most 8 * kTiles rows.
template <class Element, int kTiles>
__device__ __forceinline__ void down_item(const DownWork& work, WeightStream& stream, float* sums,
                                          int first_row, int num_rows, const StageRange& stages) {
  constexpr int kBatch = kTiles == 1 ? 3 : 1;  // stages whose activations are loaded together
  const int lane = static_cast<int>(threadIdx.x & 31U);
  const int g = lane >> 2, t = lane & 3;
  const int pieces = work.params.intermediate_size / kTileWidth;
  const std::uint16_t* rows[kTiles];
#pragma unroll
  for (int j = 0; j < kTiles; ++j)
    rows[j] = j * 8 + g < num_rows
                  ? static_cast<const std::uint16_t*>(work.params.activated) +
                        std::int64_t{first_row + j * 8 + g} * work.params.intermediate_size + t * 16
                  : nullptr;
  float acc[kTiles][4] = {};
#pragma unroll 1
  for (int stage = stages.first; stage < stages.last; stage += kBatch) {
    uint4 h[kBatch][kTiles][4];
#pragma unroll
    for (int i = 0; i < kBatch; ++i)
#pragma unroll
      for (int j = 0; j < kTiles; ++j)
#pragma unroll
        for (int c = 0; c < 4; ++c) {
          h[i][j][c] = make_uint4(0, 0, 0, 0);
          if (rows[j] != nullptr && stage + i < stages.last && 2 * (stage + i) + c / 2 < pieces)
            h[i][j][c] = load_fresh16(rows[j] + (stage + i) * kStageWidth + c / 2 * kTileWidth +
                                      c % 2 * 8);
        }
#pragma unroll
    for (int i = 0; i < kBatch; ++i)
      if (stage + i < stages.last)
        multiply_stage<Element, kTiles>(stream, acc, h[i], pieces - 2 * (stage + i));
  }
#pragma unroll
  for (int j = 0; j < kTiles; ++j)
#pragma unroll
    for (int c = 0; c < 2; ++c) {
      const int row = j * 8 + t * 2 + c;
      if (row >= num_rows) continue;
      float* const to = sums + (first_row + row) * kStripRows + g;
      to[0] = acc[j][c];
      to[8] = acc[j][2 + c];
    }
}

/// The next item of the warp, which is item `in_strip` of a strip.
template <class Element, int kMaxTiles>
__device__ __forceinline__ void next_down_item(const DownWork& work, WeightStream& stream,
                                               int in_strip) {
  const SharedPlan& plan = work.plan;
  const int group = work.split.divide(in_strip);
  const int segment = in_strip - group * static_cast<int>(work.split.value);
  const int all = (work.params.intermediate_size + kStageWidth - 1) / kStageWidth;
  const StageRange stages{work.split.divide(segment * all),
                          work.split.divide((segment + 1) * all)};
  const int first_row = plan.group_row[group];
  const int num_rows = plan.group_row[group + 1] - first_row;
  float* const sums = work.sums + segment * plan.num_rows * kStripRows;
  if (kMaxTiles == 1 || num_rows <= 8) {
    down_item<Element, 1>(work, stream, sums, first_row, num_rows, stages);
  } else if (kMaxTiles == 2 || num_rows <= 16) {
    if constexpr (kMaxTiles > 1)
      down_item<Element, 2>(work, stream, sums, first_row, num_rows, stages);
  } else {
    if constexpr (kMaxTiles > 2)
      down_item<Element, 4>(work, stream, sums, first_row, num_rows, stages);
  }
}

/// Four neighbouring elements of a row of combine's inputs.
template <class Element>
[[nodiscard]] __device__ __forceinline__ float4 load4(const void* data, std::int64_t at) {
  const uint2 words = *reinterpret_cast<const uint2*>(static_cast<const std::uint16_t*>(data) + at);
  const float2 low = unpack<Element>(words.x), high = unpack<Element>(words.y);
  return make_float4(low.x, low.y, high.x, high.y);
}
/// As they are once they have been stored.
template <class Element>
[[nodiscard]] __device__ __forceinline__ float4 rounded(const float4& v) {
  const float2 low = unpack<Element>(pack<Element>(v.x, v.y));
  const float2 high = unpack<Element>(pack<Element>(v.z, v.w));
  return make_float4(low.x, low.y, high.x, high.y);
}
__device__ __forceinline__ void add_scaled(float4& sum, float weight, const float4& v) {
  sum.x += weight * v.x, sum.y += weight * v.y, sum.z += weight * v.z, sum.w += weight * v.w;
}

/// Four outputs of one token from the strip's sums: columns `column` of the strip, `h` of the row.
/// An expert's row is rounded as the stages that store it do.
template <class Element>
[[nodiscard]] __device__ float4 combine_token(const DownWork& work, int token, int column,
                                              std::int64_t h) {
  const CombineParams& params = work.combine;
  const SharedPlan& plan = work.plan;
  const std::int64_t hidden = params.hidden_size;
  float4 sum = make_float4(0, 0, 0, 0);
  const int split = static_cast<int>(work.split.value);
  constexpr int kBatch = 4;  // pairs whose sums are read together
#pragma unroll 1
  for (int k = 0; k < params.top_k; k += kBatch) {
    const int first = token * params.top_k + k;
    int row[kBatch];
    float4 v[kBatch];
#pragma unroll
    for (int i = 0; i < kBatch; ++i) {
      row[i] = k + i < params.top_k ? std::int32_t{plan.pair_row[first + i]} : kNone16;
      v[i] = make_float4(0, 0, 0, 0);
    }
#pragma unroll 1
    for (int s = 0; s < split; ++s)
#pragma unroll
      for (int i = 0; i < kBatch; ++i)
        if (row[i] != kNone16)
          add_scaled(v[i], 1.0F, *reinterpret_cast<const float4*>(
                                     work.sums + (s * plan.num_rows + row[i]) * kStripRows + column));
#pragma unroll
    for (int i = 0; i < kBatch; ++i) {
      if (row[i] == kNone16) continue;
      if (work.params.bias != nullptr)
        add_scaled(v[i], 1.0F, *reinterpret_cast<const float4*>(
                                   work.params.bias + plan.pair_expert[first + i] * hidden + h));
      add_scaled(sum, params.pair_weights == nullptr ? 1.0F : plan.pair_weight[first + i],
                 rounded<Element>(v[i]));
    }
  }
  const std::int64_t at = token * hidden + h;
  if (params.shared_rows != nullptr)
    add_scaled(sum, params.shared_gate == nullptr ? 1.0F : sigmoid(params.shared_gate[token]),
               load4<Element>(params.shared_rows, at));
  if (params.residual != nullptr) add_scaled(sum, 1.0F, load4<Element>(params.residual, at));
  return sum;
}

/// The strip's outputs of all tokens.
template <class Element>
__device__ void combine_strip(const DownWork& work, int strip) {
  const int tokens = work.combine.num_tokens;
#pragma unroll 1
  for (int i = static_cast<int>(threadIdx.x); i < tokens * 4; i += kFusedThreads) {
    const int token = i >> 2, column = (i & 3) * 4;
    const std::int64_t h = std::int64_t{strip} * kStripRows + column;
    const float4 v = token < work.live_tokens ? combine_token<Element>(work, token, column, h)
                                              : make_float4(0, 0, 0, 0);
    *reinterpret_cast<uint2*>(static_cast<std::uint16_t*>(work.combine.output) +
                              token * std::int64_t{work.combine.hidden_size} + h) =
        make_uint2(pack<Element>(v.x, v.y), pack<Element>(v.z, v.w));
  }
}

/// All strips of the block, in the order of its stream.
template <class Element, int kMaxTiles>
__device__ __forceinline__ void down_phase(const DownWork& work, WeightStream& stream) {
  const StreamMemory& memory = stream_memory();
  const int items = memory.strip_items;
  if (items == 0) {  // no rows: nothing is drawn
    for (int strip = static_cast<int>(blockIdx.x); strip < memory.down_strips;
         strip += static_cast<int>(gridDim.x))
      combine_strip<Element>(work, strip);
    return;
  }
  int taken = 0;
#pragma unroll 1
  for (int sequence = 0;; ++sequence) {
    const int strip = strip_ticket(sequence);
    if (strip < 0) return;
    const int first_item = sequence * items;
#pragma unroll 1
    for (int item; (item = front_item(stream.warp(), taken)) < first_item + items; ++taken)
      next_down_item<Element, kMaxTiles>(work, stream, item - first_item);
    __syncthreads();
    combine_strip<Element>(work, strip);
    __syncthreads();
  }
}

}  // namespace switchyard::kernels::sm90
