// SPDX-License-Identifier: Apache-2.0
// Vectors of 4 floats by Advanced SIMD of AArch64. What the members promise: simd_avx2.hpp.
#pragma once

struct Neon {
  static constexpr std::int64_t kLanes = 4;
  static constexpr int kTileRows = 6;
  static constexpr bool kFetchesTwice = true;
  using Vec = float32x4_t;
  using Mask = uint32x4_t;

  [[nodiscard]] static Vec set1(float x) { return vdupq_n_f32(x); }
  [[nodiscard]] static Vec load(const float* p) {
    return vreinterpretq_f32_u8(vld1q_u8(reinterpret_cast<const std::uint8_t*>(p)));
  }
  static void store(float* p, Vec v) {
    vst1q_u8(reinterpret_cast<std::uint8_t*>(p), vreinterpretq_u8_f32(v));
  }

  [[nodiscard]] static Vec add(Vec a, Vec b) { return vaddq_f32(a, b); }
  [[nodiscard]] static Vec sub(Vec a, Vec b) { return vsubq_f32(a, b); }
  [[nodiscard]] static Vec mul(Vec a, Vec b) { return vmulq_f32(a, b); }
  [[nodiscard]] static Vec div(Vec a, Vec b) { return vdivq_f32(a, b); }
  [[nodiscard]] static Vec fma(Vec a, Vec b, Vec c) { return vfmaq_f32(c, a, b); }

  [[nodiscard]] static Mask less(Vec a, Vec b) { return vcltq_f32(a, b); }
  [[nodiscard]] static Mask is_nan(Vec a) { return vmvnq_u32(vceqq_f32(a, a)); }
  [[nodiscard]] static Vec select(Mask mask, Vec a, Vec b) { return vbslq_f32(mask, b, a); }

  [[nodiscard]] static Vec truncate(Vec v) { return vcvtq_f32_s32(vcvtq_s32_f32(v)); }
  [[nodiscard]] static Vec power_of_two(Vec n) {
    const int32x4_t biased = vaddq_s32(vcvtq_s32_f32(n), vdupq_n_s32(127));
    return vreinterpretq_f32_s32(vshlq_n_s32(biased, 23));
  }

  [[nodiscard]] static float sum(Vec v) {
    const float32x2_t half = vadd_f32(vget_low_f32(v), vget_high_f32(v));
    return vget_lane_f32(half, 0) + vget_lane_f32(half, 1);
  }

  static void unzip(Vec& a, Vec& b) {
    const Vec even = vuzp1q_f32(a, b);
    b = vuzp2q_f32(a, b);
    a = even;
  }

  [[nodiscard]] static uint16x4_t load_bits(const void* p) {
    return vreinterpret_u16_u8(vld1_u8(static_cast<const std::uint8_t*>(p)));
  }
  static void store_bits(void* p, uint16x4_t bits) {
    vst1_u8(static_cast<std::uint8_t*>(p), vreinterpret_u8_u16(bits));
  }

  [[nodiscard]] static Vec load_elements(const float* p) { return load(p); }
  [[nodiscard]] static Vec load_elements(const bf16* p) {
    return vreinterpretq_f32_u32(vshll_n_u16(load_bits(p), 16));
  }
  [[nodiscard]] static Vec load_elements(const f16* p) {
    return vcvt_f32_f16(vreinterpret_f16_u16(load_bits(p)));
  }

  static void store_elements(float* p, Vec v) { store(p, v); }
  static void store_elements(bf16* p, Vec v) {
    const uint32x4_t word = vreinterpretq_u32_f32(v);
    const uint32x4_t odd = vandq_u32(vshrq_n_u32(word, 16), vdupq_n_u32(1));
    const uint32x4_t rounded = vaddq_u32(vaddq_u32(word, vdupq_n_u32(0x7fff)), odd);
    const uint32x4_t quiet = vorrq_u32(word, vdupq_n_u32(0x00400000));
    store_bits(p, vshrn_n_u32(vbslq_u32(is_nan(v), quiet, rounded), 16));
  }
  static void store_elements(f16* p, Vec v) {
    store_bits(p, vreinterpret_u16_f16(vcvt_f16_f32(v)));
  }

  template <std::size_t Bytes>
  static void stream(void* to, const void* from) {
    std::memcpy(to, from, Bytes);
  }
  static void end_streaming() {}

  static void load_panel(const float* p, Vec& first, Vec& second) {
    first = load(p);
    second = load(p + kLanes);
  }
  static void load_panel(const bf16* p, Vec& first, Vec& second) {
    const uint32x4_t pairs =
        vreinterpretq_u32_u8(vld1q_u8(reinterpret_cast<const std::uint8_t*>(p)));
    first = vreinterpretq_f32_u32(vshlq_n_u32(pairs, 16));
    second = vreinterpretq_f32_u32(vandq_u32(pairs, vdupq_n_u32(0xffff0000U)));
  }
  static void load_panel(const f16* p, Vec& first, Vec& second) {
    first = load_elements(p);
    second = load_elements(p + kLanes);
  }
};
