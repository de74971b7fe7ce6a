// SPDX-License-Identifier: Apache-2.0
// The way of few rows with panels of pairs, by vectors: four panels are read side by side, each in
// a stream of its own, which brings more of memory than the one stream of a loop of tiles. Bits are
// those of the tile instruction (Intel's manual, volume 2, TDPBF16PS): in a step the products of
// first and of second elements are two sums from zero, one fused multiply-add per pair; their sum
// is added to the sums of the steps before; numbers below the normal ones are zeros. Only which NaN
// a NaN is may differ.
#pragma once

#include "backends/cpu/tuned/pair_product.hpp"

/// The arithmetic of tiles while it lives: to nearest, numbers below the normal ones are zeros.
class TileArithmetic {
 public:
  TileArithmetic() : before_(_mm_getcsr()) {
    _mm_setcsr(_MM_MASK_MASK | _MM_FLUSH_ZERO_ON | kZerosOfSubnormals);
  }
  TileArithmetic(const TileArithmetic&) = delete;
  TileArithmetic& operator=(const TileArithmetic&) = delete;
  ~TileArithmetic() { _mm_setcsr(before_); }

 private:
  static constexpr unsigned kZerosOfSubnormals = 0x40;
  unsigned before_;
};

/// The two sums of a step, for each of `Rows` rows with half a panel.
template <class S, int Rows>
struct StepRows {
  typename S::Vec first;
  typename S::Vec second;
  StepRows<S, Rows - 1> others;

  SWITCHYARD_INLINE void clear() {
    first = S::set1(0.0F);
    second = S::set1(0.0F);
    others.clear();
  }
  /// Rows of x are Stride apart.
  template <std::int64_t Stride>
  SWITCHYARD_INLINE void add(const float* x, const Sums<S>& weight) {
    first = S::fma(S::set1(x[0]), weight.first, first);
    second = S::fma(S::set1(x[1]), weight.second, second);
    others.template add<Stride>(x + Stride, weight);
  }
  SWITCHYARD_INLINE void add_to(float* sums) const {
    S::store(sums, S::add(S::load(sums), S::add(first, second)));
    others.add_to(sums + kPairColumns);
  }
};
template <class S>
struct StepRows<S, 0> {
  SWITCHYARD_INLINE void clear() {}
  template <std::int64_t Stride>
  SWITCHYARD_INLINE void add(const float* /*x*/, const Sums<S>& /*weight*/) {}
  SWITCHYARD_INLINE void add_to(float* /*sums*/) const {}
};

/// The same for each of `Count` panels.
template <class S, int Rows, int Count>
struct StepPanels {
  StepRows<S, Rows> panel;
  StepPanels<S, Rows, Count - 1> others;

  SWITCHYARD_INLINE void clear() {
    panel.clear();
    others.clear();
  }
  /// A line of each panel, asked for twice as it comes nearer.
  template <std::int64_t Stride>
  SWITCHYARD_INLINE void add(const float* x, const Pair* pairs, std::int64_t next_panel) {
    constexpr std::uintptr_t kFar = 1536;
    constexpr std::uintptr_t kNear = 768;
    const auto address = reinterpret_cast<std::uintptr_t>(pairs);
    fetch<64, FetchTo::second_level>(address + kFar);
    fetch<64>(address + kNear);
    Sums<S> weight;
    S::load_panel(&pairs->first, weight.first, weight.second);
    panel.template add<Stride>(x, weight);
    others.template add<Stride>(x, pairs + next_panel, next_panel);
  }
  SWITCHYARD_INLINE void add_to(float* sums, std::int64_t next_sums) const {
    panel.add_to(sums);
    others.add_to(sums + next_sums, next_sums);
  }
};
template <class S, int Rows>
struct StepPanels<S, Rows, 0> {
  SWITCHYARD_INLINE void clear() {}
  template <std::int64_t Stride>
  SWITCHYARD_INLINE void add(const float* /*x*/, const Pair* /*pairs*/,
                             std::int64_t /*next_panel*/) {}
  SWITCHYARD_INLINE void add_to(float* /*sums*/, std::int64_t /*next_sums*/) const {}
};

/// Rows of x with a panel, or with four.
template <class S>
class FewPairRows {
 public:
  static constexpr std::int64_t kMostRows = 3;

  [[nodiscard]] static std::int64_t depth(std::int64_t /*num_rows*/) { return kDepth; }

  /// Widened, zeros up to a whole step.
  template <class X>
  static void load(const X& rows, kernels::RowRange block, std::int64_t first, std::int64_t count,
                   float* x) {
    load_rows<S>(rows, block, first, count, x, kStride);
    const std::int64_t loaded = (count + S::kLanes - 1) / S::kLanes * S::kLanes;
    for (std::int64_t r = 0; r < block.last - block.first; ++r)
      std::fill(x + r * kStride + loaded, x + r * kStride + 2 * kPairStep * pair_steps(count),
                0.0F);
  }

  static void multiply(const Matrix& matrix, std::int64_t first, std::int64_t last,
                       std::int64_t first_k, std::int64_t depth, const float* x,
                       std::int64_t num_rows, float* sums) {
    const TileArithmetic arithmetic;
    if (num_rows == 1) return multiply_rows<1>(matrix, first, last, first_k, depth, x, sums);
    if (num_rows == 2) return multiply_rows<2>(matrix, first, last, first_k, depth, x, sums);
    multiply_rows<3>(matrix, first, last, first_k, depth, x, sums);
  }

 private:
  static constexpr std::int64_t kDepth = 4096;
  static constexpr std::int64_t kStride = kRowStride<kDepth>;
  static_assert(kDepth % (2 * kPairStep) == 0);
  static_assert(kMostRows * kStride <= Workspace::kFloatsOfX);

  template <int Rows>
  static void multiply_rows(const Matrix& matrix, std::int64_t first, std::int64_t last,
                            std::int64_t first_k, std::int64_t depth, const float* x, float* sums) {
    constexpr int kTogether = 4;
    constexpr std::int64_t kSums = Rows * kPairColumns;
    const std::int64_t next = pairs_of_panel(matrix);
    const std::int64_t steps = pair_steps(depth);
    const Pair* pairs = pair_panel(matrix, first, first_k);
    for (; last - first >= kTogether; first += kTogether, pairs += kTogether * next) {
      multiply_panels<Rows, kTogether>(x, pairs, next, steps, sums);
      sums += kTogether * kSums;
    }
    for (; first != last; ++first, pairs += next, sums += kSums)
      multiply_panels<Rows, 1>(x, pairs, next, steps, sums);
  }

  /// Not inlined: to the compiler, arithmetic may move to where it is another.
  template <int Rows, int Count>
  __attribute__((noinline)) static void multiply_panels(const float* x, const Pair* pairs,
                                                        std::int64_t next_panel, std::int64_t steps,
                                                        float* sums) {
    for (std::int64_t step = 0; step < steps; ++step, x += 2 * kPairStep) {
      for (std::int64_t half = 0; half < kPairColumns; half += S::kLanes) {
        StepPanels<S, Rows, Count> panels;
        panels.clear();
        for (std::int64_t k = 0; k < kPairStep; ++k, pairs += S::kLanes)
          panels.template add<kStride>(x + 2 * k, pairs, next_panel);
        panels.add_to(sums + half, Rows * kPairColumns);
      }
    }
  }
};
