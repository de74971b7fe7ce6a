// SPDX-License-Identifier: Apache-2.0
#include "backends/cpu/bodies.hpp"

#include <array>
#include <cstdlib>
#include <string>
#include <string_view>

#include "backends/cpu/tile_permission.hpp"
#include "switchyard/error.hpp"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace switchyard {
namespace {

#if defined(__x86_64__)
/// Registers of a leaf of cpuid; zeros where there is no such leaf. Not every compiler's
/// __builtin_cpu_supports knows the features that are asked for here.
struct CpuId {
  unsigned eax = 0;
  unsigned ebx = 0;
  unsigned ecx = 0;
  unsigned edx = 0;

  CpuId(unsigned leaf, unsigned subleaf) noexcept {
    if (__get_cpuid_count(leaf, subleaf, &eax, &ebx, &ecx, &edx) == 0) eax = ebx = ecx = edx = 0;
  }
};

[[nodiscard]] constexpr bool has_bit(unsigned word, int bit) noexcept {
  return (word >> bit & 1U) != 0;
}

constexpr int kF16cBit = 29;       // leaf 1, ecx
constexpr int kAmxBf16Bit = 22;    // leaf 7.0, edx
constexpr int kAmxTileBit = 24;    // leaf 7.0, edx
constexpr int kAvx512Bf16Bit = 5;  // leaf 7.1, eax
#endif

}  // namespace

std::string_view name(CpuBodies bodies) noexcept {
  switch (bodies) {
    case CpuBodies::automatic:
      return "automatic";
    case CpuBodies::reference:
      return "reference";
    case CpuBodies::avx2:
      return "avx2";
    case CpuBodies::avx512:
      return "avx512";
    case CpuBodies::neon:
      return "neon";
    case CpuBodies::amx:
      return "amx";
    case CpuBodies::avx512_bf16:
      return "avx512_bf16";
  }
  return "unknown";
}

CpuFeatures cpu_features() noexcept {
  CpuFeatures features;
#if defined(__x86_64__)
  __builtin_cpu_init();
  features.avx2 = __builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("fma") != 0 &&
                  has_bit(CpuId(1, 0).ecx, kF16cBit);
  features.avx512 = features.avx2 && __builtin_cpu_supports("avx512f") != 0 &&
                    __builtin_cpu_supports("avx512bw") != 0 &&
                    __builtin_cpu_supports("avx512dq") != 0 &&
                    __builtin_cpu_supports("avx512vl") != 0;
  const unsigned leaf7 = CpuId(7, 0).edx;
  features.amx = features.avx512 && has_bit(leaf7, kAmxTileBit) && has_bit(leaf7, kAmxBf16Bit) &&
                 cpu::tiles_are_supported();
  features.avx512_bf16 = features.avx512 && has_bit(CpuId(7, 1).eax, kAvx512Bf16Bit);
#elif defined(__aarch64__)
  features.neon = true;
#endif
  return features;
}

namespace cpu {
namespace {

constexpr std::array kAll{CpuBodies::automatic,  CpuBodies::reference, CpuBodies::avx2,
                          CpuBodies::avx512,     CpuBodies::neon,      CpuBodies::amx,
                          CpuBodies::avx512_bf16};
constexpr std::array kFastestFirst{CpuBodies::amx, CpuBodies::avx512_bf16, CpuBodies::avx512,
                                   CpuBodies::avx2, CpuBodies::neon};
constexpr Bodies kReference{CpuBodies::reference,
                            WeightLayout::rows,
                            WeightLayout::rows,
                            0,
                            nullptr,
                            nullptr,
                            nullptr,
                            nullptr,
                            nullptr,
                            nullptr};

/// Whether products of pairs by vectors beat multiply-adds: AMD's processors issue as many of
/// either a cycle, Intel's half as many (docs/performance-log.md).
[[nodiscard]] bool has_fast_pairs() {
#if defined(__x86_64__)
  return __builtin_cpu_is("amd") != 0;
#else
  return false;
#endif
}

/// The bodies called `wanted`; null where this build or a processor with `features` has none.
[[nodiscard]] const Bodies* find(CpuBodies wanted, const CpuFeatures& features) {
  switch (wanted) {
    case CpuBodies::avx2:
      return features.avx2 ? avx2_bodies() : nullptr;
    case CpuBodies::avx512:
      return features.avx512 ? avx512_bodies() : nullptr;
    case CpuBodies::neon:
      return features.neon ? neon_bodies() : nullptr;
    case CpuBodies::amx:
      return features.amx && request_tiles() ? amx_bodies() : nullptr;
    case CpuBodies::avx512_bf16:
      return features.avx512_bf16 ? avx512_bf16_bodies() : nullptr;
    case CpuBodies::automatic:
      for (const CpuBodies fastest : kFastestFirst)
        if (const Bodies* bodies = find(fastest, features);
            bodies != nullptr && (fastest != CpuBodies::avx512_bf16 || has_fast_pairs()))
          return bodies;
      return &kReference;
    case CpuBodies::reference:
      break;
  }
  return &kReference;
}

[[nodiscard]] CpuBodies bodies_of_environment() {
  const char* const raw = std::getenv("SWITCHYARD_CPU_BODIES");
  const std::string_view text = raw == nullptr ? "" : raw;
  if (text.empty()) return CpuBodies::automatic;
  for (const CpuBodies bodies : kAll)
    if (text == name(bodies)) return bodies;
  throw Error(ErrorCode::invalid_argument,
              "environment variable SWITCHYARD_CPU_BODIES is '" + std::string(text) +
                  "', must be automatic, reference, avx2, avx512, neon, amx or "
                  "avx512_bf16");
}

/// What the processor has and the options do not hide. Tiles and pairs need vectors beside them.
[[nodiscard]] CpuFeatures features_of(const CpuOptions& options) {
  const CpuFeatures has = cpu_features();
  const CpuFeatures shown = options.features.value_or(has);
  const bool avx512 = has.avx512 && shown.avx512;
  return {has.avx2 && shown.avx2, avx512, has.neon && shown.neon, avx512 && has.amx && shown.amx,
          avx512 && has.avx512_bf16 && shown.avx512_bf16};
}

}  // namespace

Bodies choose_bodies(const CpuOptions& options) {
  if (options.bodies > kAll.back())
    throw Error(ErrorCode::invalid_argument, "options.bodies is " +
                                                 std::to_string(static_cast<int>(options.bodies)) +
                                                 ", must be an enumerator in [0, 6]");
  const CpuBodies wanted =
      options.bodies == CpuBodies::automatic ? bodies_of_environment() : options.bodies;
  const CpuFeatures features = features_of(options);
  if (const Bodies* bodies = find(wanted, features); bodies != nullptr) return *bodies;
  std::string usable = "reference";
  for (const CpuBodies other : kFastestFirst)
    if (find(other, features) != nullptr) usable += ", " + std::string(name(other));
  throw Error(ErrorCode::device_unavailable, "bodies are " + std::string(name(wanted)) +
                                                 ", must be one of those that this processor and "
                                                 "build have: " +
                                                 usable);
}

}  // namespace cpu
}  // namespace switchyard
