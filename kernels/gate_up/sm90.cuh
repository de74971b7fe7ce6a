// SPDX-License-Identifier: Apache-2.0
// Stage "gate_up" for compute capability 9.0: how the sums of a tile become activated rows.
//
// Weight rows alternate by eights, gate and up of the same features, so that sums [4j], [4j + 1] of
// a thread are gates and [4j + 2], [4j + 3] the ups beside them. The swiglu kinds finish in
// registers: 64 features by 32 rows at a time go through half of the staging memory to 128-byte
// rows. Everything else (other kinds, weights on the input, rounded products, no gate) writes f32
// sums of eight rows to the staging memory and finishes them one by one.
#pragma once

#include <cstdint>

#include "kernels/activation.hpp"
#include "kernels/gate_up/input_rows.hpp"
#include "kernels/sm90/element.cuh"
#include "kernels/sm90/product/boxed_rows.cuh"
#include "kernels/sm90/product/consumer.cuh"
#include "kernels/sm90/product/gathered_rows.cuh"
#include "kernels/sm90/product/view.hpp"

namespace switchyard::kernels::sm90 {

/// Gates and ups of two features of one row.
struct GatePair {
  float gate[2];
  float up[2];
};
struct ActivatedPair {
  float feature[2];
};

/// gate * sigmoid(alpha * gate) * up for two features. One reciprocal serves both: 1 / d0 = d1 *
/// (1 / (d0 * d1)). Both are of one row, so that its bits depend on no other row.
/// Exponents end at 60, so that the product stays finite; a sigmoid below 2^-60 counts as 2^-60.
/// minus_slope is -alpha * log2(e).
[[nodiscard]] __device__ __forceinline__ ActivatedPair swiglu(const GatePair& pair,
                                                              float minus_slope) {
  float power[2];
#pragma unroll
  for (int i = 0; i < 2; ++i)
    asm("ex2.approx.ftz.f32 %0, %1;"
        : "=f"(power[i])
        : "f"(fminf(pair.gate[i] * minus_slope, 60.0F)));
  const float first = 1.0F + power[0];
  const float second = 1.0F + power[1];
  float reciprocal;
  asm("rcp.approx.ftz.f32 %0, %1;" : "=f"(reciprocal) : "f"(first * second));
  return {{pair.gate[0] * (reciprocal * second) * pair.up[0],
           pair.gate[1] * (reciprocal * first) * pair.up[1]}};
}

/// min(x, limit) that keeps a NaN.
[[nodiscard]] __device__ __forceinline__ float at_most(float x, float limit) {
  float result;
  asm("min.NaN.f32 %0, %1, %2;" : "=f"(result) : "f"(x), "f"(limit));
  return result;
}
[[nodiscard]] __device__ __forceinline__ float at_least(float x, float limit) {
  float result;
  asm("max.NaN.f32 %0, %1, %2;" : "=f"(result) : "f"(x), "f"(limit));
  return result;
}

/// What swiglu_clamped does before swiglu.
__device__ __forceinline__ void clamp(GatePair& pair, float limit) {
#pragma unroll
  for (int i = 0; i < 2; ++i) {
    pair.gate[i] = at_most(pair.gate[i], limit);
    pair.up[i] = at_least(at_most(pair.up[i], limit), -limit) + 1.0F;
  }
}

/// RowSource brings the packed rows.
template <Generality kGenerality, class RowSource>
struct GateUpProduct {
  using Params = GateUpParams;
  using Rows = RowSource;
  static constexpr bool kPlanIsComplete = false;
  static constexpr bool kTells = true;

  /// Eights of features that a consumer stores of each row of an item.
  [[nodiscard]] __device__ __forceinline__ static std::int32_t eights(const Consumer& consumer,
                                                                      const ProductItem& item,
                                                                      const Params& params) {
    const int features = has_gate(params) ? 64 : 128;
    const int left =
        params.intermediate_size - (item.row_tile * 2 + consumer.index) * features;
    return left < 0 ? 0 : (left < features ? left : features) / 8;
  }

  template <class Element, int kUnits>
  __device__ __forceinline__ static void finish(Consumer& consumer, Sums<kUnits>& sums,
                                                const ProductItem& item, const Params& params) {
    if constexpr (kGenerality == Generality::lean) {
      finish_in_registers<Element, kUnits>(consumer, sums, item, params);
    } else if (finishes_in_registers(params)) {
      if (params.bias != nullptr) add_bias<kUnits>(consumer, sums, item, params);
      finish_in_registers<Element, kUnits>(consumer, sums, item, params);
    } else {
      finish_one_by_one<Element, kUnits>(consumer, sums, item, params);
    }
  }

 private:
  /// The first of this warpgroup's 64 features of a tile with a gate.
  [[nodiscard]] __device__ __forceinline__ static int first_feature(const Consumer& consumer,
                                                                    const ProductItem& item) {
    return item.row_tile * 128 + consumer.index * 64;
  }

  template <int kUnits>
  __device__ __forceinline__ static void add_bias(const Consumer& consumer, Sums<kUnits>& sums,
                                                  const ProductItem& item, const Params& params) {
    const std::int64_t width = params.intermediate_size;
#pragma unroll
    for (int i = 0; i < 4; ++i) {  // m, and gate or up
      const int feature = first_feature(consumer, item) + i / 2 * 32 + consumer.warp() * 8 +
                          consumer.lane() / 4;
      if (feature >= width) continue;
      const float bias = __ldg(params.bias + (item.expert * 2 + i % 2) * width + feature);
#pragma unroll
      for (int j = 0; j < kUnits; ++j) {
        sums[i / 2][4 * j + i % 2 * 2] += bias;
        sums[i / 2][4 * j + i % 2 * 2 + 1] += bias;
      }
    }
  }

  template <class Element, int kUnits>
  __device__ __forceinline__ static void finish_in_registers(Consumer& consumer,
                                                             const Sums<kUnits>& sums,
                                                             const ProductItem& item,
                                                             const Params& params) {
    constexpr int kRows = 32;  // of a step
    const bool clamped = kGenerality == Generality::full &&
                         params.activation == ActivationKind::swiglu_clamped;
    const float minus_slope = -1.4426950408889634F * (clamped ? params.alpha : 1.0F);
    const bool aligned = kGenerality == Generality::lean || aligned16(params.activated);
    const int lane = consumer.lane();
#pragma unroll
    for (int step = 0; step < (8 * kUnits + kRows - 1) / kRows; ++step) {
      const std::uint32_t half = consumer.next_half();
      std::uint32_t words[2][4] = {};  // [m]: two rows of a feature
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        const int j = step * 4 + i;
        if (j >= kUnits) break;
        ActivatedPair rows[2];
#pragma unroll
        for (int row = 0; row < 2; ++row) {
          const int gate = 4 * j + row;
          GatePair pair{{sums[0][gate], sums[1][gate]}, {sums[0][gate + 2], sums[1][gate + 2]}};
          if (clamped) clamp(pair, params.limit);
          rows[row] = swiglu(pair, minus_slope);
        }
#pragma unroll
        for (int m = 0; m < 2; ++m)
          words[m][i] = pack<Element>(rows[0].feature[m], rows[1].feature[m]);
      }
#pragma unroll
      for (int m = 0; m < 2; ++m)
        store_transposed(half + static_cast<std::uint32_t>(SwizzledTiles::chunk_offset(
                                    lane, m * 4 + consumer.warp())),
                         words[m]);
      consumer.meet();
      if (aligned)
        store_step<true, Element>(consumer, half, step * kRows, item, params);
      else
        store_step<false, Element>(consumer, half, step * kRows, item, params);
    }
  }

  /// 32 staged rows, the item's from first_row on, of 64 features.
  template <bool kAligned, class Element>
  __device__ __forceinline__ static void store_step(const Consumer& consumer, std::uint32_t half,
                                                    int first_row, const ProductItem& item,
                                                    const Params& params) {
#pragma unroll
    for (int i = 0; i < 2; ++i) {
      const int row = consumer.thread / 8 + 16 * i;
      const int chunk = consumer.thread % 8;
      const int feature = first_feature(consumer, item) + chunk * 8;
      if (first_row + row >= item.num_rows || feature >= params.intermediate_size) continue;
      const std::int64_t packed = item.first_row + first_row + row;
      store_elements<kAligned>(
          static_cast<Element*>(params.activated) + packed * params.intermediate_size + feature,
          load_shared16(half +
                        static_cast<std::uint32_t>(SwizzledTiles::chunk_offset(row, chunk))));
    }
  }

  /// Floats between the sums of two packed rows in the staging memory: neighbouring rows of a
  /// thread's sums lie in different banks.
  static constexpr int kPitch = 132;
  static_assert(8 * kPitch * sizeof(float) <= ProductShape::kStagingBytes);

  template <class Element, int kUnits>
  __device__ __forceinline__ static void finish_one_by_one(const Consumer& consumer,
                                                           const Sums<kUnits>& sums,
                                                           const ProductItem& item,
                                                           const Params& params) {
    const int row = consumer.warp() * 16 + consumer.lane() / 4;
    const int column = consumer.lane() % 4 * 2;
#pragma unroll 1
    for (int unit = 0; unit < kUnits; ++unit) {
      consumer.meet();  // the unit before has been read
#pragma unroll
      for (int j = 0; j < kUnits; ++j) {
        if (j != unit) continue;  // registers have no index at run time
#pragma unroll
        for (int i = 0; i < 8; ++i)
          store_sum(consumer, column + i % 2, row + i / 4 * 64 + i / 2 % 2 * 8,
                    sums[i / 4][4 * j + i % 4]);
      }
      consumer.meet();
      if (has_gate(params))
        finish_unit<Element, 64>(consumer, unit, item, params);
      else
        finish_unit<Element, 128>(consumer, unit, item, params);
    }
    consumer.meet();  // the staging memory is free again
  }

  [[nodiscard]] __device__ __forceinline__ static std::uint32_t place(const Consumer& consumer,
                                                                      int column, int row) {
    return consumer.staging + (column * kPitch + row) * static_cast<int>(sizeof(float));
  }
  __device__ __forceinline__ static void store_sum(const Consumer& consumer, int column, int row,
                                                   float sum) {
    asm volatile("st.shared.f32 [%0], %1;" ::"r"(place(consumer, column, row)), "f"(sum)
                 : "memory");
  }
  [[nodiscard]] __device__ __forceinline__ static float load_sum(const Consumer& consumer,
                                                                 int column, int row) {
    float sum;
    asm volatile("ld.shared.f32 %0, [%1];"
                 : "=f"(sum)
                 : "r"(place(consumer, column, row))
                 : "memory");
    return sum;
  }

  /// The staged sums of eight packed rows by this warpgroup's kFeatures features.
  template <class Element, int kFeatures>
  __device__ __forceinline__ static void finish_unit(const Consumer& consumer, int unit,
                                                     const ProductItem& item,
                                                     const Params& params) {
    constexpr int kProducts = 128 / kFeatures;
    const std::int64_t width = params.intermediate_size;
#pragma unroll 1
    for (int i = consumer.thread; i < 8 * kFeatures; i += ProductShape::kGroupThreads) {
      const int column = i / kFeatures;
      const int local = i % kFeatures;
      const int feature = (item.row_tile * 2 + consumer.index) * kFeatures + local;
      if (unit * 8 + column >= item.num_rows || feature >= width) continue;
      const std::int64_t packed = item.first_row + unit * 8 + column;
      const float scale = input_weight(params, packed);
      const auto product = [&](int which) {
        const int row = kProducts == 2 ? local / 8 * 16 + which * 8 + local % 8 : local;
        const std::int64_t weight_row = (item.expert * kProducts + which) * width + feature;
        const float bias = params.bias == nullptr ? 0.0F : params.bias[weight_row];
        const float sum = scale * load_sum(consumer, column, row) + bias;
        return params.input_rounding == Rounding::activation
                   ? static_cast<float>(Element(sum))
                   : sum;
      };
      const float gate = kProducts == 2 ? product(0) : 0.0F;
      const float up = product(kProducts - 1);
      static_cast<Element*>(params.activated)[packed * width + feature] =
          Element(activate(params.activation, params.alpha, params.limit, gate, up));
    }
  }
};

/// Of hidden states wherever their tokens lie.
template <Generality kGenerality>
using GatheredGateUp = GateUpProduct<kGenerality, GatheredRows<kGenerality>>;

/// Of hidden states that lie in packed order.
using PackedGateUp = GateUpProduct<Generality::lean, BoxedRows>;

}  // namespace switchyard::kernels::sm90
