// SPDX-License-Identifier: Apache-2.0
#include "backends/cpu/bodies.hpp"

#include <array>
#include <cstdlib>
#include <string>
#include <string_view>

#include "switchyard/error.hpp"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace switchyard {
namespace {

#if defined(__x86_64__)
/// Not every compiler's __builtin_cpu_supports knows F16C.
[[nodiscard]] bool has_f16c() noexcept {
  unsigned eax = 0;
  unsigned ebx = 0;
  unsigned ecx = 0;
  unsigned edx = 0;
  return __get_cpuid(1, &eax, &ebx, &ecx, &edx) != 0 && (ecx & bit_F16C) != 0;
}
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
  }
  return "unknown";
}

CpuFeatures cpu_features() noexcept {
  CpuFeatures features;
#if defined(__x86_64__)
  __builtin_cpu_init();
  features.avx2 =
      __builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("fma") != 0 && has_f16c();
  features.avx512 = features.avx2 && __builtin_cpu_supports("avx512f") != 0 &&
                    __builtin_cpu_supports("avx512bw") != 0 &&
                    __builtin_cpu_supports("avx512dq") != 0 &&
                    __builtin_cpu_supports("avx512vl") != 0;
#elif defined(__aarch64__)
  features.neon = true;
#endif
  return features;
}

namespace cpu {
namespace {

constexpr std::array kAll{CpuBodies::automatic, CpuBodies::reference, CpuBodies::avx2,
                          CpuBodies::avx512, CpuBodies::neon};
constexpr std::array kWidestFirst{CpuBodies::avx512, CpuBodies::avx2, CpuBodies::neon};
constexpr Bodies kReference{
    CpuBodies::reference, WeightLayout::rows, 0, nullptr, nullptr, nullptr, nullptr};

/// The bodies called `wanted`; null where this build or a processor with `features` has none.
[[nodiscard]] const Bodies* find(CpuBodies wanted, const CpuFeatures& features) {
  switch (wanted) {
    case CpuBodies::avx2:
      return features.avx2 ? avx2_bodies() : nullptr;
    case CpuBodies::avx512:
      return features.avx512 ? avx512_bodies() : nullptr;
    case CpuBodies::neon:
      return features.neon ? neon_bodies() : nullptr;
    case CpuBodies::automatic:
      for (const CpuBodies widest : kWidestFirst)
        if (const Bodies* bodies = find(widest, features); bodies != nullptr) return bodies;
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
                  "', must be automatic, reference, avx2, avx512 or neon");
}

/// What the processor has and the options do not hide.
[[nodiscard]] CpuFeatures features_of(const CpuOptions& options) {
  const CpuFeatures has = cpu_features();
  const CpuFeatures shown = options.features.value_or(has);
  return {has.avx2 && shown.avx2, has.avx512 && shown.avx512, has.neon && shown.neon};
}

}  // namespace

Bodies choose_bodies(const CpuOptions& options) {
  if (options.bodies > CpuBodies::neon)
    throw Error(ErrorCode::invalid_argument, "options.bodies is " +
                                                 std::to_string(static_cast<int>(options.bodies)) +
                                                 ", must be an enumerator in [0, 4]");
  const CpuBodies wanted =
      options.bodies == CpuBodies::automatic ? bodies_of_environment() : options.bodies;
  const CpuFeatures features = features_of(options);
  if (const Bodies* bodies = find(wanted, features); bodies != nullptr) return *bodies;
  std::string usable = "reference";
  for (const CpuBodies other : kWidestFirst)
    if (find(other, features) != nullptr) usable += ", " + std::string(name(other));
  throw Error(ErrorCode::device_unavailable, "bodies are " + std::string(name(wanted)) +
                                                 ", must be one of those that this processor and "
                                                 "build have: " +
                                                 usable);
}

}  // namespace cpu
}  // namespace switchyard
