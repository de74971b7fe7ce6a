// SPDX-License-Identifier: Apache-2.0
// Stage "down" for compute capability 9.0: how the sums of a tile become expert rows. 128 columns
// by 16 packed rows at a time are rounded and go through half of the staging memory to 256-byte
// rows.
#pragma once

#include <cstdint>
#include <type_traits>

#include "kernels/sm90/element.cuh"
#include "kernels/sm90/product/boxed_rows.cuh"
#include "kernels/sm90/product/consumer.cuh"
#include "kernels/sm90/product/gathered_rows.cuh"

namespace switchyard::kernels::sm90 {

template <Generality kGenerality>
struct DownProduct {
  using Params = DownParams;
  using Rows = std::conditional_t<kGenerality == Generality::lean, BoxedRows,
                                  GatheredRows<Generality::full>>;
  static constexpr bool kTells = false;
  static constexpr bool kPlanIsComplete = true;  // gate_up runs before and has waited for it

  template <class Element, int kUnits>
  __device__ __forceinline__ static void finish(Consumer& consumer, Sums<kUnits>& sums,
                                                const ProductItem& item, const Params& params) {
    constexpr int kRows = 16;  // of a step
    if constexpr (kGenerality == Generality::full)
      if (params.bias != nullptr) add_bias<kUnits>(consumer, sums, item, params);
    const bool aligned = kGenerality == Generality::lean || aligned16(params.expert_rows);
    // Lane l brings the address of row l % 8 of block l / 8: rows 0-7 and 8-15 of the step by the
    // upper and lower eight columns of a warp's sixteen.
    const int own_row = consumer.lane() / 16 * 8 + consumer.lane() % 8;
    const int own_chunk = consumer.warp() * 2 + consumer.lane() / 8 % 2;
#pragma unroll
    for (int step = 0; step < (8 * kUnits + kRows - 1) / kRows; ++step) {
      const std::uint32_t half = consumer.next_half();
#pragma unroll
      for (int m = 0; m < 2; ++m) {
        std::uint32_t words[4] = {};
#pragma unroll
        for (int i = 0; i < 4; ++i)
          if (const int j = step * 2 + i / 2; j < kUnits)
            words[i] = pack<Element>(sums[m][4 * j + i % 2 * 2], sums[m][4 * j + i % 2 * 2 + 1]);
        store_transposed(half + place(own_row, m * 8 + own_chunk), words);
      }
      consumer.meet();
      if (aligned)
        store_step<true, Element>(consumer, half, step * kRows, item, params);
      else
        store_step<false, Element>(consumer, half, step * kRows, item, params);
    }
  }

 private:
  /// 16 staged rows, the item's from first_row on, of 128 columns.
  template <bool kAligned, class Element>
  __device__ __forceinline__ static void store_step(const Consumer& consumer, std::uint32_t half,
                                                    int first_row, const ProductItem& item,
                                                    const Params& params) {
#pragma unroll
    for (int i = 0; i < 2; ++i) {
      const int row = consumer.thread / kChunks + 8 * i;
      const int chunk = consumer.thread % kChunks;
      const int h = first_column(consumer, item) + chunk * 8;
      if (first_row + row >= item.num_rows || h >= params.hidden_size) continue;
      const std::int64_t packed = item.first_row + first_row + row;
      store_elements<kAligned>(
          static_cast<Element*>(params.expert_rows) + packed * params.hidden_size + h,
          load_shared16(half + place(row, chunk)));
    }
  }

  template <int kUnits>
  __device__ __forceinline__ static void add_bias(const Consumer& consumer, Sums<kUnits>& sums,
                                                  const ProductItem& item, const Params& params) {
#pragma unroll
    for (int i = 0; i < 4; ++i) {  // m, and the upper or lower eight rows
      const int h = first_column(consumer, item) + i / 2 * 64 + consumer.warp() * 16 + i % 2 * 8 +
                    consumer.lane() / 4;
      if (h >= params.hidden_size) continue;
      const float bias = __ldg(params.bias + std::int64_t{item.expert} * params.hidden_size + h);
#pragma unroll
      for (int j = 0; j < kUnits; ++j) {
        sums[i / 2][4 * j + i % 2 * 2] += bias;
        sums[i / 2][4 * j + i % 2 * 2 + 1] += bias;
      }
    }
  }

  static constexpr int kChunks = 16;  // of 8 columns

  /// The first of this warpgroup's 128 columns of a tile.
  [[nodiscard]] __device__ __forceinline__ static int first_column(const Consumer& consumer,
                                                                   const ProductItem& item) {
    return item.row_tile * 256 + consumer.index * 128;
  }
  /// Where a chunk of a staged row starts, in bytes: chunks of eight rows lie in different banks.
  [[nodiscard]] __device__ __forceinline__ static std::uint32_t place(int row, int chunk) {
    return static_cast<std::uint32_t>(row * kChunks * 16 + (chunk ^ (row % 8)) * 16);
  }
};

}  // namespace switchyard::kernels::sm90
