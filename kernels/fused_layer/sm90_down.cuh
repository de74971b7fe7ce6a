// SPDX-License-Identifier: Apache-2.0
// The down phase of the fused layer kernel, and combine in it: a block owns strips of 16 output
// columns, for all tokens.
//
// A warp takes whole items, a group's rows by one segment of the inner dimension, and leaves their
// sums in shared memory, [segment][packed row][16] f32. Items come in the order of their groups, as
// units of gate_up do, so that the rows of most are there when it is their turn. No warp waits for another until all items of
// the strip are done; then the block adds, per token, over segments and over k in the order of k.
#pragma once

#include <cstdint>

#include "kernels/down/params.hpp"
#include "kernels/fused_layer/sm90_combine.cuh"
#include "kernels/fused_layer/sm90_math.cuh"
#include "kernels/fused_layer/sm90_sections.cuh"
#include "kernels/sm90/fresh_load.cuh"

namespace switchyard::kernels::sm90 {

/// Stages [first, last) of the inner dimension.
struct StageRange {
  int first;
  int last;
};

/// One item: stages [first, last) of the strip, for a group of at most 8 * kTiles rows.
template <class Element, int kTiles, Planning kPlanning>
__device__ __forceinline__ void down_item(const DownWork<kPlanning>& work,
                                          WeightStream<kPlanning>& stream, float* sums,
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
template <class Element, int kMaxTiles, bool kHasSections, Planning kPlanning>
__device__ __forceinline__ void next_down_item(const DownWork<kPlanning>& work,
                                               WeightStream<kPlanning>& stream,
                                               DoneUnits<kHasSections>& done, int in_strip) {
  const SharedPlan<kPlanning>& plan = work.plan;
  const int group = work.split.divide(in_strip);
  const int segment = in_strip - group * static_cast<int>(work.split.value);
  const int all = (work.params.intermediate_size + kStageWidth - 1) / kStageWidth;
  const StageRange stages{work.split.divide(segment * all),
                          work.split.divide((segment + 1) * all)};
  const int first_row = plan.group_row[group];
  const int num_rows = plan.group_row[group + 1] - first_row;
  float* const sums = work.sums + segment * plan.num_rows * kStripRows;
  done.wait_for(group);
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

/// All strips of the block, in the order of its stream. prepare_combine() is called before the first
/// is combined, by all threads.
template <class Element, int kMaxTiles, bool kHasSections, Planning kPlanning, class Prepare>
__device__ __forceinline__ void down_phase(const DownWork<kPlanning>& work,
                                           WeightStream<kPlanning>& stream,
                                           Prepare prepare_combine) {
  const StreamMemory& memory = stream_memory();
  const int items = memory.strip_items;
  DoneUnits<kHasSections> done;
  int item = stream.warp();
#pragma unroll 1
  for (int sequence = 0;; ++sequence) {
    // Without rows no strip is drawn.
    const int strip = items > 0 ? strip_ticket(sequence)
                                : static_cast<int>(blockIdx.x + gridDim.x * sequence);
    if (strip < 0 || strip >= memory.down_strips) return;
    const int first_item = sequence * items;
#pragma unroll 1
    for (; item < first_item + items; item += kFusedWarps)
      next_down_item<Element, kMaxTiles>(work, stream, done, item - first_item);
    if (sequence == 0) prepare_combine();
    __syncthreads();
    combine_strip<Element>(work, strip);
    __syncthreads();
  }
}

}  // namespace switchyard::kernels::sm90
