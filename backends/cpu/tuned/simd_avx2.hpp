// SPDX-License-Identifier: Apache-2.0
// Vectors of 8 floats by AVX2, FMA and F16C. Included between the macros of target.hpp.
//
// Every simd_*.hpp defines one class with these members, and nothing else knows an instruction set:
// what is built from them computes the same bits at every width, where lanes do not meet.
#pragma once

struct Avx2 {
  static constexpr std::int64_t kLanes = 8;
  static constexpr int kTileRows = 6;          // of a tall tile: as many as the registers hold
  static constexpr bool kFetchesTwice = true;  // what a tall tile reads, to either cache in turn
  using Vec = __m256;
  using Mask = __m256;

  [[nodiscard]] static Vec set1(float x) { return _mm256_set1_ps(x); }
  [[nodiscard]] static Vec load(const float* p) { return _mm256_loadu_ps(p); }
  static void store(float* p, Vec v) { _mm256_storeu_ps(p, v); }

  [[nodiscard]] static Vec add(Vec a, Vec b) { return _mm256_add_ps(a, b); }
  [[nodiscard]] static Vec sub(Vec a, Vec b) { return _mm256_sub_ps(a, b); }
  [[nodiscard]] static Vec mul(Vec a, Vec b) { return _mm256_mul_ps(a, b); }
  [[nodiscard]] static Vec div(Vec a, Vec b) { return _mm256_div_ps(a, b); }
  /// a * b + c, rounded once.
  [[nodiscard]] static Vec fma(Vec a, Vec b, Vec c) { return _mm256_fmadd_ps(a, b, c); }

  /// Lanes where a < b; false for NaN.
  [[nodiscard]] static Mask less(Vec a, Vec b) { return _mm256_cmp_ps(a, b, _CMP_LT_OQ); }
  [[nodiscard]] static Mask is_nan(Vec a) { return _mm256_cmp_ps(a, a, _CMP_UNORD_Q); }
  /// b where the mask is set, else a.
  [[nodiscard]] static Vec select(Mask mask, Vec a, Vec b) { return _mm256_blendv_ps(a, b, mask); }

  /// Towards zero, for |v| < 2^31.
  [[nodiscard]] static Vec truncate(Vec v) { return _mm256_cvtepi32_ps(_mm256_cvttps_epi32(v)); }
  /// 2^n for whole n in [-126, 127].
  [[nodiscard]] static Vec power_of_two(Vec n) {
    const __m256i biased = _mm256_add_epi32(_mm256_cvttps_epi32(n), _mm256_set1_epi32(127));
    return _mm256_castsi256_ps(_mm256_slli_epi32(biased, 23));
  }

  /// Sum of the lanes, by halving.
  [[nodiscard]] static float sum(Vec v) {
    __m128 half = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    half = _mm_add_ps(half, _mm_movehl_ps(half, half));
    return _mm_cvtss_f32(_mm_add_ss(half, _mm_shuffle_ps(half, half, 1)));
  }

  /// a, b = their elements at even and at odd places.
  static void unzip(Vec& a, Vec& b) {
    const Vec even = _mm256_shuffle_ps(a, b, 0x88);
    const Vec odd = _mm256_shuffle_ps(a, b, 0xdd);
    a = _mm256_castpd_ps(_mm256_permute4x64_pd(_mm256_castps_pd(even), 0xd8));
    b = _mm256_castpd_ps(_mm256_permute4x64_pd(_mm256_castps_pd(odd), 0xd8));
  }

  /// kLanes elements of an array.
  [[nodiscard]] static Vec load_elements(const float* p) { return load(p); }
  [[nodiscard]] static Vec load_elements(const bf16* p) {
    const __m128i bits = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(bits), 16));
  }
  [[nodiscard]] static Vec load_elements(const f16* p) {
    return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
  }

  /// The same, rounded as the conversions of switchyard/half.hpp.
  static void store_elements(float* p, Vec v) { store(p, v); }
  static void store_elements(bf16* p, Vec v) {
    const __m256i word = _mm256_castps_si256(v);
    const __m256i odd = _mm256_and_si256(_mm256_srli_epi32(word, 16), _mm256_set1_epi32(1));
    const __m256i rounded =
        _mm256_add_epi32(_mm256_add_epi32(word, _mm256_set1_epi32(0x7fff)), odd);
    const __m256i quiet = _mm256_or_si256(word, _mm256_set1_epi32(0x00400000));
    const __m256i chosen = _mm256_castps_si256(
        select(is_nan(v), _mm256_castsi256_ps(rounded), _mm256_castsi256_ps(quiet)));
    const __m256i high = _mm256_srli_epi32(chosen, 16);
    const __m128i packed =
        _mm_packus_epi32(_mm256_castsi256_si128(high), _mm256_extracti128_si256(high, 1));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p), packed);
  }
  static void store_elements(f16* p, Vec v) {
    const __m128i packed = _mm256_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p), packed);
  }

  /// Copies the Bytes of kLanes elements past the caches, to a multiple of as many bytes.
  template <std::size_t Bytes>
  static void stream(void* to, const void* from) {
    if constexpr (Bytes == 32) {
      _mm256_stream_si256(static_cast<__m256i*>(to),
                          _mm256_loadu_si256(static_cast<const __m256i*>(from)));
    } else {
      _mm_stream_si128(static_cast<__m128i*>(to),
                       _mm_loadu_si128(static_cast<const __m128i*>(from)));
    }
  }
  /// Other threads see what was streamed before they see what is stored from here on.
  static void end_streaming() { _mm_sfence(); }

  /// One k of a panel (switchyard/weight_layout.hpp): the first and the second kLanes columns. From
  /// a plain array of bf16: the elements at even and at odd places.
  static void load_panel(const float* p, Vec& first, Vec& second) {
    first = load(p);
    second = load(p + kLanes);
  }
  static void load_panel(const bf16* p, Vec& first, Vec& second) {
    const __m256i pairs = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
    first = _mm256_castsi256_ps(_mm256_slli_epi32(pairs, 16));
    second = _mm256_castsi256_ps(
        _mm256_and_si256(pairs, _mm256_set1_epi32(static_cast<int>(0xffff0000U))));
  }
  static void load_panel(const f16* p, Vec& first, Vec& second) {
    first = load_elements(p);
    second = load_elements(p + kLanes);
  }
};
