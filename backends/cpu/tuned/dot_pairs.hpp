// SPDX-License-Identifier: Apache-2.0
// Products of pairs by AVX512_BF16. To the tiles a pair is a float by its bits, and a matrix of
// bf16 one of floats half as wide: only what multiplies differs. A sum goes over the pairs in
// ascending order, whatever the tile.
#pragma once

#include "backends/cpu/tuned/product.hpp"
#include "backends/cpu/tuned/simd_avx512.hpp"

/// Vectors of a processor on which the second fetch of a line is in the way.
struct Avx512Once : Avx512 {
  static constexpr bool kFetchesTwice = false;
};

/// Vectors of 16 pairs, and of 16 sums.
struct DotPairs : Avx512Once {
  /// c + a.first * b.first + a.second * b.second; numbers below the normal ones are zeros.
  [[nodiscard]] static Vec fma(Vec a, Vec b, Vec c) {
    return _mm512_dpbf16_ps(c, reinterpret_cast<__m512bh>(a), reinterpret_cast<__m512bh>(b));
  }
};

/// Rows of bf16, of an even width, as rows of pairs.
template <class X>
struct RowsOfPairs {
  const X& rows;
  DType dtype = DType::f32;

  [[nodiscard]] const void* address(std::int64_t row) const { return rows.address(row); }
};

/// The product of a task over pairs32.
struct DotProduct {
  static constexpr WeightLayout kLayout = WeightLayout::pairs32;

  template <class X, class Finish>
  static void multiply(const Matrix& matrix, std::int64_t first, std::int64_t last, const X& x,
                       kernels::RowRange rows, const Workspace& work, const Finish& finish) {
    Matrix pairs = matrix;
    pairs.width /= 2;
    multiply_stored<DotPairs, float>(pairs, first, last, RowsOfPairs<X>{x}, rows, work, finish);
  }
};
