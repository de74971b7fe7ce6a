// SPDX-License-Identifier: Apache-2.0
// The inner kernel for matrices that lie as the checkpoint has them: four weight rows with up to
// three rows of x, vectors along k. A sum goes over kLanes strided partial sums, joined by halving;
// it does not depend on the rows beside it.
#pragma once

#include "backends/cpu/tuned/tile.hpp"

/// Four weight rows.
template <class Stored>
struct WeightRows {
  const Stored* row[4];
};

/// sums[r * next_sums + j] += the inner product of x[r] and row j, for r < Rows, at most 3. x is
/// zero from `depth` to the next multiple of kLanes.
template <class S, class Stored, int Rows, std::int64_t Stride>
inline void dot_tile(const float* x, const WeightRows<Stored>& weights, std::int64_t depth,
                     float* sums, std::int64_t next_sums) {
  using Vec = typename S::Vec;
  static_assert(Rows >= 1 && Rows <= 3);
  const Vec zero = S::set1(0.0F);
  Vec s00 = zero, s01 = zero, s02 = zero, s03 = zero;
  Vec s10 = zero, s11 = zero, s12 = zero, s13 = zero;
  Vec s20 = zero, s21 = zero, s22 = zero, s23 = zero;
  const Stored* w0 = weights.row[0];
  const Stored* w1 = weights.row[1];
  const Stored* w2 = weights.row[2];
  const Stored* w3 = weights.row[3];
  const auto step = [&](const Stored* p0, const Stored* p1, const Stored* p2, const Stored* p3)
                        SWITCHYARD_LAMBDA {
                          const Vec x0 = S::load(x);
                          const Vec x1 = Rows > 1 ? S::load(x + Stride) : zero;
                          const Vec x2 = Rows > 2 ? S::load(x + 2 * Stride) : zero;
                          Vec w = S::load_elements(p0);
                          s00 = S::fma(x0, w, s00);
                          if constexpr (Rows > 1) s10 = S::fma(x1, w, s10);
                          if constexpr (Rows > 2) s20 = S::fma(x2, w, s20);
                          w = S::load_elements(p1);
                          s01 = S::fma(x0, w, s01);
                          if constexpr (Rows > 1) s11 = S::fma(x1, w, s11);
                          if constexpr (Rows > 2) s21 = S::fma(x2, w, s21);
                          w = S::load_elements(p2);
                          s02 = S::fma(x0, w, s02);
                          if constexpr (Rows > 1) s12 = S::fma(x1, w, s12);
                          if constexpr (Rows > 2) s22 = S::fma(x2, w, s22);
                          w = S::load_elements(p3);
                          s03 = S::fma(x0, w, s03);
                          if constexpr (Rows > 1) s13 = S::fma(x1, w, s13);
                          if constexpr (Rows > 2) s23 = S::fma(x2, w, s23);
                        };
  std::int64_t k = 0;
  for (; k + S::kLanes <= depth; k += S::kLanes, x += S::kLanes) {
    prefetch(w0);
    prefetch(w1);
    prefetch(w2);
    prefetch(w3);
    step(w0, w1, w2, w3);
    w0 += S::kLanes;
    w1 += S::kLanes;
    w2 += S::kLanes;
    w3 += S::kLanes;
  }
  if (k < depth) {
    Stored tail[4][S::kLanes] = {};
    const auto bytes = static_cast<std::size_t>(depth - k) * sizeof(Stored);
    std::memcpy(tail[0], w0, bytes);
    std::memcpy(tail[1], w1, bytes);
    std::memcpy(tail[2], w2, bytes);
    std::memcpy(tail[3], w3, bytes);
    step(tail[0], tail[1], tail[2], tail[3]);
  }
  const auto add = [sums, next_sums](int row, Vec a, Vec b, Vec c, Vec d) SWITCHYARD_LAMBDA {
    float* const to = sums + row * next_sums;
    to[0] += S::sum(a);
    to[1] += S::sum(b);
    to[2] += S::sum(c);
    to[3] += S::sum(d);
  };
  add(0, s00, s01, s02, s03);
  if constexpr (Rows > 1) add(1, s10, s11, s12, s13);
  if constexpr (Rows > 2) add(2, s20, s21, s22, s23);
}
