// SPDX-License-Identifier: Apache-2.0
#include "backends/cpu/tuned/bodies_impl.hpp"

#if defined(__aarch64__)
#include <arm_neon.h>

namespace switchyard::cpu {
namespace {
#include "backends/cpu/tuned/bodies_of.hpp"
#include "backends/cpu/tuned/simd_neon.hpp"
}  // namespace
}  // namespace switchyard::cpu

namespace switchyard::cpu {

const Bodies* neon_bodies() noexcept {
  static constexpr Bodies kBodies = bodies_of<Neon>(CpuBodies::neon, WeightLayout::panels8);
  return &kBodies;
}

}  // namespace switchyard::cpu
#else
namespace switchyard::cpu {

const Bodies* neon_bodies() noexcept {
  return nullptr;
}

}  // namespace switchyard::cpu
#endif
