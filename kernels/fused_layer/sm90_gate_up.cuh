// SPDX-License-Identifier: Apache-2.0
// The gate_up phase of the fused layer kernel: strips of an expert's matrix times a group's rows,
// and the activation.
//
// All warps share a unit, each with its part of the inner dimension, whose activations stay in
// registers while the block works on strips of one group; where tokens are few, those of all tokens
// do so all the time. Partial sums meet in double-buffered
// shared memory, one block barrier a unit; warps that take turns add them in warp order, apply the
// activation and store.
#pragma once

#include <cstdint>

#include "kernels/activation.hpp"
#include "kernels/fused_layer/sm90_math.cuh"
#include "kernels/fused_layer/sm90_sections.cuh"
#include "kernels/gate_up/params.hpp"

namespace switchyard::kernels::sm90 {

/// What gate_up works with beside its stream.
template <Planning kPlanning>
struct GateUpWork {
  const GateUpParams& params;
  const SharedPlan<kPlanning>& plan;
  float* partial;  // [2][tiles][kFusedWarps][16][8]
  int event = 0;   // reductions so far: names the buffer and the warps that finish
  bool owes = false;  // units that were noted are counted behind the next barrier
};

/// x * sigmoid(alpha * x), within 12 roundings and those of alpha * x. The exponent's rounding error
/// goes into a factor of its own.
[[nodiscard]] __device__ __forceinline__ float swish(float x, float alpha) {
  constexpr float kLog2E = 0x1.715476p0F;
  constexpr float kLog2ELow = 0x1.4ae0cp-26F;
  constexpr float kLn2 = 0x1.62e43p-1F;
  const float exponent = fminf(fmaxf(-(alpha * x), -88.0F), 88.0F);
  const float high = exponent * kLog2E;
  const float low = __fmaf_rn(exponent, kLog2E, -high) + exponent * kLog2ELow;
  float power;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(power) : "f"(high));
  power = __fmaf_rn(power, low * kLn2, power);
  float reciprocal;
  asm("rcp.approx.ftz.f32 %0, %1;" : "=f"(reciprocal) : "f"(1.0F + power));
  return x * reciprocal;
}

/// A feature from its sums in general: any kind, bias, weight on the input, rounding. Seldom the
/// usual case, so that its code is there once.
template <class Element>
[[nodiscard]] __device__ __noinline__ float any_feature(const GateUpParams& params, float scale,
                                                        std::int64_t bias_row, float gate,
                                                        float up) {
  const bool gated = has_gate(params);
  gate *= scale;
  up *= scale;
  if (params.bias != nullptr) {
    if (gated) gate += params.bias[bias_row];
    up += params.bias[bias_row + (gated ? params.intermediate_size : 0)];
  }
  if (params.input_rounding == Rounding::activation) {
    const float2 products = unpack<Element>(pack<Element>(gate, up));
    gate = products.x;
    up = products.y;
  }
  return activate(params.activation, params.alpha, params.limit, gate, up);
}

/// Whether features are gate * sigmoid(gate) * up of the sums.
[[nodiscard]] __device__ __forceinline__ bool is_plain(const GateUpParams& params) {
  return params.activation == ActivationKind::swiglu && params.pair_weights == nullptr &&
         params.bias == nullptr && params.input_rounding == Rounding::f32;
}

/// The feature of a packed row from its sums.
template <class Element, Planning kPlanning>
[[nodiscard]] __device__ __forceinline__ float feature_of(const GateUpWork<kPlanning>& work,
                                                          int expert, int packed, int feature,
                                                          float gate, float up) {
  if (is_plain(work.params)) return swish(gate, 1.0F) * up;
  const GateUpParams& params = work.params;
  const float scale = params.pair_weights == nullptr
                          ? 1.0F
                          : work.plan.pair_weight[work.plan.row_pair[packed]];
  const std::int64_t rows = std::int64_t{params.intermediate_size} * (has_gate(params) ? 2 : 1);
  return any_feature<Element>(params, scale, expert * rows + feature, gate, up);
}

/// The packed rows of four neighbouring columns of sums, -1: none.
struct ColumnRows {
  int row[4];
};

/// One of the warps that finish a unit: the sums of 8 columns. A lane has weight row lane / 2 of
/// columns (lane % 2) * 4 .. + 3, whose rows are `packed`.
template <class Element, Planning kPlanning>
__device__ __forceinline__ void finish_tile(const GateUpWork<kPlanning>& work, const float* sums,
                                            int group, const ColumnRows& packed, int strip) {
  const int lane = static_cast<int>(threadIdx.x & 31U);
  float4 sum = make_float4(0, 0, 0, 0);
#pragma unroll
  for (int w = 0; w < kFusedWarps; ++w) {
    const float4 v = *reinterpret_cast<const float4*>(sums + w * 128 + lane * 4);
    sum.x += v.x, sum.y += v.y, sum.z += v.z, sum.w += v.w;
  }
  const std::int64_t width = work.params.intermediate_size;
  const int expert = work.plan.group_expert[group];
  auto* const rows = static_cast<std::uint16_t*>(work.params.activated);
  const auto put = [&](int row, int feature, float gate, float up) {
    const float value = feature_of<Element>(work, expert, row, feature, gate, up);
    rows[row * width + feature] = static_cast<std::uint16_t>(pack<Element>(value, 0.0F));
  };
  if (!has_gate(work.params)) {
    const float own[4] = {sum.x, sum.y, sum.z, sum.w};
#pragma unroll
    for (int i = 0; i < 4; ++i)
      if (packed.row[i] >= 0) put(packed.row[i], strip * 16 + (lane >> 1), 0.0F, own[i]);
    return;
  }
  // Lanes 0 to 15 hold gate rows, the others the up rows of the same features: each half hands the
  // other two of its four columns.
  const bool upper = lane >= 16;
  const float other0 = __shfl_xor_sync(~0U, upper ? sum.x : sum.z, 16);
  const float other1 = __shfl_xor_sync(~0U, upper ? sum.y : sum.w, 16);
  const float gate[2] = {upper ? other0 : sum.x, upper ? other1 : sum.y};
  const float up[2] = {upper ? sum.z : other0, upper ? sum.w : other1};
#pragma unroll
  for (int i = 0; i < 2; ++i) {
    const int row = upper ? packed.row[2 + i] : packed.row[i];
    if (row >= 0) put(row, strip * 8 + (lane >> 1) % 8, gate[i], up[i]);
  }
}

/// What a warp holds of kTiles * 8 rows: its part of the inner dimension.
template <int kStages, int kTiles>
using HeldRows = uint4[kStages][kTiles][4];

/// token_of(column): its token, or -1.
template <int kStages, int kTiles, Planning kPlanning, class TokenOf>
__device__ __forceinline__ void hold_rows(HeldRows<kStages, kTiles>& x,
                                          const GateUpWork<kPlanning>& work, const WarpPieces& own,
                                          TokenOf token_of) {
  const int lane = static_cast<int>(threadIdx.x & 31U);
  const int g = lane >> 2, t = lane & 3;
#pragma unroll
  for (int j = 0; j < kTiles; ++j) {
    const int token = token_of(j * 8 + g);
    const auto* const row = static_cast<const std::uint16_t*>(work.params.hidden_states) +
                            std::int64_t{max(token, 0)} * work.params.hidden_size +
                            own.first * kTileWidth + t * 16;
#pragma unroll
    for (int i = 0; i < kStages; ++i)
#pragma unroll
      for (int h = 0; h < 4; ++h)
        x[i][j][h] = token >= 0 && 2 * i + h / 2 < own.count
                         ? __ldg(reinterpret_cast<const uint4*>(row + i * kStageWidth +
                                                                h / 2 * kTileWidth + h % 2 * 8))
                         : make_uint4(0, 0, 0, 0);
  }
}

/// Strips [first, last) of a group times the rows held. rows_of(first column): of four columns.
template <class Element, int kStages, int kTiles, Planning kPlanning, class RowsOf>
__device__ __forceinline__ void multiply_strips(GateUpWork<kPlanning>& work,
                                                WeightStream<kPlanning>& stream,
                                                const HeldRows<kStages, kTiles>& x, int group,
                                                int first, int last, int num_tiles,
                                                RowsOf rows_of) {
  const int lane = static_cast<int>(threadIdx.x & 31U);
  const int warp = stream.warp();
  const int g = lane >> 2, t = lane & 3;
  const int pieces = stream.gate_up_pieces().count;
#pragma unroll 1
  for (int strip = first; strip < last; ++strip) {
    float acc[kTiles][4] = {};
#pragma unroll
    for (int i = 0; i < kStages; ++i)
      if (2 * i < pieces) multiply_stage<Element, kTiles>(stream, acc, x[i], pieces - 2 * i);
    float* const buffer = work.partial + (work.event & 1) * (kTiles * kFusedWarps * 128);
#pragma unroll
    for (int j = 0; j < kTiles; ++j) {
      float* const mine = buffer + (j * kFusedWarps + warp) * 128 + g * 8 + t * 2;
      *reinterpret_cast<float2*>(mine) = make_float2(acc[j][0], acc[j][1]);
      *reinterpret_cast<float2*>(mine + 64) = make_float2(acc[j][2], acc[j][3]);
    }
    __syncthreads();  // the buffer's previous finishers came here after they were done with it
    const int j = (warp + work.event) % kFusedWarps;
    if (j < num_tiles)
      finish_tile<Element>(work, buffer + j * kFusedWarps * 128, group,
                           rows_of(j * 8 + (lane & 1) * 4), strip);
    if constexpr (has_sections(kStages)) {
      if (work.owes && warp == 0) count_units();
      work.owes = false;
    }
    ++work.event;
  }
}

/// Strips [first, last) of a group of at most 8 * kTiles rows: a column is a row of the group.
template <class Element, int kStages, int kTiles, Planning kPlanning>
__device__ __forceinline__ void gate_up_group(GateUpWork<kPlanning>& work,
                                              WeightStream<kPlanning>& stream, int group, int first,
                                              int last) {
  const int first_row = work.plan.group_row[group];
  const int num_rows = work.plan.group_row[group + 1] - first_row;
  HeldRows<kStages, kTiles> x;
  hold_rows<kStages, kTiles>(x, work, stream.gate_up_pieces(), [&](int column) {
    return column < num_rows ? std::int32_t{work.plan.row_token[first_row + column]} : -1;
  });
  multiply_strips<Element, kStages, kTiles>(
      work, stream, x, group, first, last, (num_rows + 7) / 8, [&](int column) {
        ColumnRows packed;
#pragma unroll
        for (int i = 0; i < 4; ++i)
          packed.row[i] = column + i < num_rows ? first_row + column + i : -1;
        return packed;
      });
}

/// The group's strips with as many tiles as it has rows for.
template <class Element, int kStages, int kMaxTiles, Planning kPlanning>
__device__ __forceinline__ void gate_up_strips(GateUpWork<kPlanning>& work,
                                               WeightStream<kPlanning>& stream, int group,
                                               int first, int last) {
  const int rows = work.plan.group_row[group + 1] - work.plan.group_row[group];
  if (kMaxTiles == 1 || rows <= 8) {
    gate_up_group<Element, kStages, 1>(work, stream, group, first, last);
  } else if (kMaxTiles == 2 || rows <= 16) {
    if constexpr (kMaxTiles > 1)
      gate_up_group<Element, kStages, 2>(work, stream, group, first, last);
  } else {
    if constexpr (kMaxTiles > 2)
      gate_up_group<Element, kStages, 4>(work, stream, group, first, last);
  }
}

/// Calls multiply(group, first strip, last strip) for all units of the block, in the order of its
/// stream. Returns how many they were.
template <bool kHasSections, Planning kPlanning, class Multiply>
__device__ __forceinline__ int for_units(GateUpWork<kPlanning>& work, Multiply multiply) {
  const StreamMemory& memory = stream_memory();
  const int strips = static_cast<int>(memory.gate_up_strips.value);
  int num_done = 0;
  UnitRange units{0, 0};
  int ticket = -1;
#pragma unroll 1
  for (int sequence = 0;;) {
    if (units.first >= units.last) {
      if (kHasSections && ticket >= 0) {
        if (threadIdx.x == 0) note_units(ticket);
        work.owes = sequence == 1;
      }
      ticket = unit_ticket(sequence++);
      if (ticket < 0) return num_done;
      units = units_of(memory.units, ticket);
      num_done += units.last - units.first;
    }
    const int group = memory.gate_up_strips.divide(units.first);
    const int first = units.first - group * strips;
    const int last = min(first + units.last - units.first, strips);
    units.first += last - first;
    multiply(group, first, last);
  }
}

/// All units of the block. Returns how many they were.
template <class Element, int kStages, int kMaxTiles, Planning kPlanning>
__device__ __forceinline__ int gate_up_phase(GateUpWork<kPlanning>& work,
                                             WeightStream<kPlanning>& stream) {
  return for_units<has_sections(kStages)>(work, [&](int group, int first, int last) {
    gate_up_strips<Element, kStages, kMaxTiles>(work, stream, group, first, last);
  });
}

/// The rows of all tokens, at most 8: a column is a token.
template <int kStages, Planning kPlanning>
__device__ __forceinline__ void hold_tokens(HeldRows<kStages, 1>& x,
                                            const GateUpWork<kPlanning>& work,
                                            const WeightStream<kPlanning>& stream, int num_tokens) {
  hold_rows<kStages, 1>(x, work, stream.gate_up_pieces(),
                        [&](int column) { return column < num_tokens ? column : -1; });
}

/// As gate_up_phase, with the tokens held, of which each chooses an expert once: no row is loaded
/// on the way.
template <class Element, int kStages, Planning kPlanning>
__device__ __forceinline__ int gate_up_phase_by_token(GateUpWork<kPlanning>& work,
                                                      WeightStream<kPlanning>& stream,
                                                      const HeldRows<kStages, 1>& x) {
  return for_units<false>(work, [&](int group, int first, int last) {
    multiply_strips<Element, kStages, 1>(
        work, stream, x, group, first, last, 1, [&](int column) {
          const auto& packed = work.plan.token_row[group];
          return ColumnRows{{packed[column], packed[column + 1], packed[column + 2], packed[column + 3]}};
        });
  });
}

}  // namespace switchyard::kernels::sm90
