// SPDX-License-Identifier: Apache-2.0
// Vectors of 16 floats by AVX-512. What the members promise: simd_avx2.hpp.
#pragma once

struct Avx512 {
  static constexpr std::int64_t kLanes = 16;
  static constexpr int kTileRows = 12;
  static constexpr bool kFetchesTwice = true;
  using Vec = __m512;
  using Mask = __mmask16;

  [[nodiscard]] static Vec set1(float x) { return _mm512_set1_ps(x); }
  [[nodiscard]] static Vec load(const float* p) { return _mm512_loadu_ps(p); }
  static void store(float* p, Vec v) { _mm512_storeu_ps(p, v); }

  [[nodiscard]] static Vec add(Vec a, Vec b) { return _mm512_add_ps(a, b); }
  [[nodiscard]] static Vec sub(Vec a, Vec b) { return _mm512_sub_ps(a, b); }
  [[nodiscard]] static Vec mul(Vec a, Vec b) { return _mm512_mul_ps(a, b); }
  [[nodiscard]] static Vec div(Vec a, Vec b) { return _mm512_div_ps(a, b); }
  [[nodiscard]] static Vec fma(Vec a, Vec b, Vec c) { return _mm512_fmadd_ps(a, b, c); }

  [[nodiscard]] static Mask less(Vec a, Vec b) { return _mm512_cmp_ps_mask(a, b, _CMP_LT_OQ); }
  [[nodiscard]] static Mask is_nan(Vec a) { return _mm512_cmp_ps_mask(a, a, _CMP_UNORD_Q); }
  [[nodiscard]] static Vec select(Mask mask, Vec a, Vec b) {
    return _mm512_mask_blend_ps(mask, a, b);
  }

  [[nodiscard]] static Vec truncate(Vec v) { return _mm512_cvtepi32_ps(_mm512_cvttps_epi32(v)); }
  [[nodiscard]] static Vec power_of_two(Vec n) {
    const __m512i biased = _mm512_add_epi32(_mm512_cvttps_epi32(n), _mm512_set1_epi32(127));
    return _mm512_castsi512_ps(_mm512_slli_epi32(biased, 23));
  }

  [[nodiscard]] static float sum(Vec v) {
    const __m256 eight = _mm256_add_ps(_mm512_castps512_ps256(v), _mm512_extractf32x8_ps(v, 1));
    __m128 half = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    half = _mm_add_ps(half, _mm_movehl_ps(half, half));
    return _mm_cvtss_f32(_mm_add_ss(half, _mm_shuffle_ps(half, half, 1)));
  }

  static void unzip(Vec& a, Vec& b) {
    const __m512i even =
        _mm512_set_epi32(30, 28, 26, 24, 22, 20, 18, 16, 14, 12, 10, 8, 6, 4, 2, 0);
    const Vec first = _mm512_permutex2var_ps(a, even, b);
    b = _mm512_permutex2var_ps(a, _mm512_add_epi32(even, _mm512_set1_epi32(1)), b);
    a = first;
  }

  [[nodiscard]] static Vec load_elements(const float* p) { return load(p); }
  [[nodiscard]] static Vec load_elements(const bf16* p) {
    const __m256i bits = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(bits), 16));
  }
  [[nodiscard]] static Vec load_elements(const f16* p) {
    return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
  }

  static void store_elements(float* p, Vec v) { store(p, v); }
  static void store_elements(bf16* p, Vec v) {
    const __m512i word = _mm512_castps_si512(v);
    const __m512i odd = _mm512_and_si512(_mm512_srli_epi32(word, 16), _mm512_set1_epi32(1));
    const __m512i rounded =
        _mm512_add_epi32(_mm512_add_epi32(word, _mm512_set1_epi32(0x7fff)), odd);
    const __m512i quiet = _mm512_or_si512(word, _mm512_set1_epi32(0x00400000));
    const __m512i chosen = _mm512_mask_blend_epi32(is_nan(v), rounded, quiet);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p),
                        _mm512_cvtepi32_epi16(_mm512_srli_epi32(chosen, 16)));
  }
  static void store_elements(f16* p, Vec v) {
    const __m256i packed = _mm512_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), packed);
  }

  template <std::size_t Bytes>
  static void stream(void* to, const void* from) {
    if constexpr (Bytes == 64) {
      _mm512_stream_si512(static_cast<__m512i*>(to), _mm512_loadu_si512(from));
    } else {
      _mm256_stream_si256(static_cast<__m256i*>(to),
                          _mm256_loadu_si256(static_cast<const __m256i*>(from)));
    }
  }
  static void end_streaming() { _mm_sfence(); }

  static void load_panel(const float* p, Vec& first, Vec& second) {
    first = load(p);
    second = load(p + kLanes);
  }
  static void load_panel(const bf16* p, Vec& first, Vec& second) {
    const __m512i pairs = _mm512_loadu_si512(p);
    first = _mm512_castsi512_ps(_mm512_slli_epi32(pairs, 16));
    second = _mm512_castsi512_ps(
        _mm512_and_si512(pairs, _mm512_set1_epi32(static_cast<int>(0xffff0000U))));
  }
  static void load_panel(const f16* p, Vec& first, Vec& second) {
    first = load_elements(p);
    second = load_elements(p + kLanes);
  }
};
