// SPDX-License-Identifier: Apache-2.0
// The inner kernel for matrices that lie as the checkpoint has them: four weight rows with one or
// two rows of x, vectors along k. Two, not three: their x stays in registers. A sum goes over
// kLanes partial sums, joined by halving; it does not depend on the rows beside it.
#pragma once

#include "backends/cpu/tuned/tile.hpp"

/// Four weight rows, and how many bytes further the four lie that come next.
template <class Stored>
struct WeightRows {
  const Stored* row[4];
  std::uintptr_t next;
};

/// The four sums of one row of x.
template <class S>
struct DotSums {
  using Vec = typename S::Vec;
  Vec s0, s1, s2, s3;

  SWITCHYARD_INLINE void clear() { s0 = s1 = s2 = s3 = S::set1(0.0F); }

  SWITCHYARD_INLINE void add_to(float* sums) const {
    sums[0] += S::sum(s0);
    sums[1] += S::sum(s1);
    sums[2] += S::sum(s2);
    sums[3] += S::sum(s3);
  }
};

/// One step of k: 2 * kLanes elements of the weight rows, in the order that load_panel gives them,
/// with as many of one or two rows of x.
template <class S, class Stored, int Rows, std::int64_t Stride>
SWITCHYARD_INLINE void dot_step(const float* x, const Stored* p0, const Stored* p1,
                                const Stored* p2, const Stored* p3, DotSums<S>& a, DotSums<S>& b) {
  using Vec = typename S::Vec;
  const Vec a0 = S::load(x);
  const Vec a1 = S::load(x + S::kLanes);
  const Vec b0 = Rows > 1 ? S::load(x + Stride) : a0;
  const Vec b1 = Rows > 1 ? S::load(x + Stride + S::kLanes) : a1;
  Vec first;
  Vec second;
  S::load_panel(p0, first, second);
  a.s0 = S::fma(a1, second, S::fma(a0, first, a.s0));
  if constexpr (Rows > 1) b.s0 = S::fma(b1, second, S::fma(b0, first, b.s0));
  S::load_panel(p1, first, second);
  a.s1 = S::fma(a1, second, S::fma(a0, first, a.s1));
  if constexpr (Rows > 1) b.s1 = S::fma(b1, second, S::fma(b0, first, b.s1));
  S::load_panel(p2, first, second);
  a.s2 = S::fma(a1, second, S::fma(a0, first, a.s2));
  if constexpr (Rows > 1) b.s2 = S::fma(b1, second, S::fma(b0, first, b.s2));
  S::load_panel(p3, first, second);
  a.s3 = S::fma(a1, second, S::fma(a0, first, a.s3));
  if constexpr (Rows > 1) b.s3 = S::fma(b1, second, S::fma(b0, first, b.s3));
}

/// sums[r * next_sums + j] += the inner product of x[r] and row j, for r < Rows, at most 2. x is in
/// the order of load_panel, and zero from `depth` to the next multiple of 2 * kLanes.
template <class S, class Stored, int Rows, std::int64_t Stride>
inline void dot_tile(const float* x, const WeightRows<Stored>& weights, std::int64_t depth,
                     float* sums, std::int64_t next_sums) {
  static_assert(Rows >= 1 && Rows <= 2);
  constexpr std::int64_t kStep = 2 * S::kLanes;
  DotSums<S> a, b;
  a.clear();
  b.clear();
  const Stored* p0 = weights.row[0];
  const Stored* p1 = weights.row[1];
  const Stored* p2 = weights.row[2];
  const Stored* p3 = weights.row[3];
  const auto fetch = [&weights](const Stored* p) SWITCHYARD_LAMBDA {
    __builtin_prefetch(
        reinterpret_cast<const void*>(reinterpret_cast<std::uintptr_t>(p) + weights.next));
  };
  std::int64_t k = 0;
  for (; k + kStep <= depth; k += kStep, x += kStep) {
    fetch(p0);
    fetch(p1);
    fetch(p2);
    fetch(p3);
    dot_step<S, Stored, Rows, Stride>(x, p0, p1, p2, p3, a, b);
    p0 += kStep;
    p1 += kStep;
    p2 += kStep;
    p3 += kStep;
  }
  if (k < depth) {
    Stored tail[4][kStep] = {};
    const auto bytes = static_cast<std::size_t>(depth - k) * sizeof(Stored);
    std::memcpy(tail[0], p0, bytes);
    std::memcpy(tail[1], p1, bytes);
    std::memcpy(tail[2], p2, bytes);
    std::memcpy(tail[3], p3, bytes);
    dot_step<S, Stored, Rows, Stride>(x, tail[0], tail[1], tail[2], tail[3], a, b);
  }
  a.add_to(sums);
  if constexpr (Rows > 1) b.add_to(sums + next_sums);
}
