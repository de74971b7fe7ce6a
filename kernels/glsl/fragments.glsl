// SPDX-License-Identifier: Apache-2.0
// The fragments of matrix_product.glsl and strip_product.glsl: cooperative matrices, or a wave's own arithmetic in their
// place, which runs anywhere and shows that all around it is right.
//
// The cooperative form is written against GL_NV_cooperative_matrix, which compilers have known
// longest; scripts/build-shaders rewrites it to SPV_KHR_cooperative_matrix, for f16 and for bf16.
// A matrix type's number of rows is a specialisation constant that says what the matrix is for.
#ifdef SWITCHYARD_EMULATED_FRAGMENTS

const int kElementsPerLane = kFragment * kFragment / int(kWave);
float fragment_sums[kFragmentRows][kFragmentColumns][kElementsPerLane];

void clear_sums() {
  [[dont_unroll]] for (int m = 0; m < kFragmentRows; ++m)
    [[dont_unroll]] for (int n = 0; n < kFragmentColumns; ++n)
      [[dont_unroll]] for (int e = 0; e < kElementsPerLane; ++e) fragment_sums[m][n][e] = 0.0;
}

/// Adds the products along a stage for one element of the sums, row and column of its fragment.
float add_line(int x, int w, float sum) {
  [[dont_unroll]] for (int octet = 0; octet < kOctets; ++octet) {
    const Octet a = Octet(staged[x + octet]);
    const Octet b = Octet(staged[w + octet]);
    [[unroll]] for (int i = 0; i < 8; ++i)
      sum += widen(a, i) * widen(b, i);
  }
  return sum;
}

void add_products() {
  [[dont_unroll]] for (int m = 0; m < kFragmentRows; ++m)
    [[dont_unroll]] for (int n = 0; n < kFragmentColumns; ++n)
      [[dont_unroll]] for (int e = 0; e < kElementsPerLane; ++e) {
        const int element = e * int(kWave) + int(lane());
        const int x = x_fragment(m, 0) + element / kFragment * kPitch;
        const int w = w_fragment(n, 0) + element % kFragment * kPitch;
        fragment_sums[m][n][e] = add_line(x, w, fragment_sums[m][n][e]);
      }
}

/// Puts the sums of fragments (m, n) and (m, n + 1) at sums_fragment(0) and (1); of (m, n) alone
/// where kFragmentColumns is 1.
void put_sums(int m, int n) {
  const int kTogether = kFragmentColumns < 2 ? 1 : 2;
  [[dont_unroll]] for (int which = 0; which < kTogether; ++which)
    [[dont_unroll]] for (int e = 0; e < kElementsPerLane; ++e) {
      const int element = e * int(kWave) + int(lane());
      staged[sums_fragment(which) + element / 4][element % 4] =
          floatBitsToUint(fragment_sums[m][n + which][e]);
    }
}

#else

#extension GL_NV_cooperative_matrix : require
#extension GL_EXT_shader_explicit_arithmetic_types_float16 : require
layout(constant_id = 101) const uint kRowsOfX = 16;
layout(constant_id = 102) const uint kRowsOfW = 16;
layout(constant_id = 103) const uint kRowsOfSums = 16;

fcoopmatNV<32, gl_ScopeSubgroup, kRowsOfSums, 16> fragment_sums[kFragmentRows][kFragmentColumns];

void clear_sums() {
  [[unroll]] for (int m = 0; m < kFragmentRows; ++m)
    [[unroll]] for (int n = 0; n < kFragmentColumns; ++n)
      fragment_sums[m][n] = fcoopmatNV<32, gl_ScopeSubgroup, kRowsOfSums, 16>(0.0);
}

void add_products() {
  [[unroll]] for (int step_16 = 0; step_16 < kDepth / 16; ++step_16) {
    fcoopmatNV<16, gl_ScopeSubgroup, kRowsOfX, 16> x[kFragmentRows];
    [[unroll]] for (int m = 0; m < kFragmentRows; ++m)
      coopMatLoadNV(x[m], staged, uint(x_fragment(m, step_16)), uint(kPitch), false);
    [[unroll]] for (int n = 0; n < kFragmentColumns; ++n) {
      fcoopmatNV<16, gl_ScopeSubgroup, kRowsOfW, 16> w;
      coopMatLoadNV(w, staged, uint(w_fragment(n, step_16)), uint(kPitch), true);
      [[unroll]] for (int m = 0; m < kFragmentRows; ++m)
        fragment_sums[m][n] = coopMatMulAddNV(x[m], w, fragment_sums[m][n]);
    }
  }
}

/// As above.
void put_sums(int m, int n) {
  [[unroll]] for (int i = 0; i < kFragmentRows; ++i)
    [[unroll]] for (int j = 0; j < kFragmentColumns; ++j)
      if (i == m && j / 2 == n / 2)
        coopMatStoreNV(fragment_sums[i][j], staged, uint(sums_fragment(j % 2)),
                       uint(kFragment / 4), false);
}

#endif
