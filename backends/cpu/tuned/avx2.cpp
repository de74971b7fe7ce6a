// SPDX-License-Identifier: Apache-2.0
#include "backends/cpu/tuned/bodies_impl.hpp"
#include "backends/cpu/tuned/target.hpp"

#if defined(__x86_64__)
#include <immintrin.h>

SWITCHYARD_BEGIN_TARGET("avx2,fma,f16c")
namespace switchyard::cpu {
namespace {
#include "backends/cpu/tuned/bodies_of.hpp"
#include "backends/cpu/tuned/simd_avx2.hpp"
}  // namespace
}  // namespace switchyard::cpu
SWITCHYARD_END_TARGET

namespace switchyard::cpu {

const Bodies* avx2_bodies() noexcept {
  static constexpr Bodies kBodies = bodies_of<Avx2>(CpuBodies::avx2, WeightLayout::panels16);
  return &kBodies;
}

}  // namespace switchyard::cpu
#else
namespace switchyard::cpu {

const Bodies* avx2_bodies() noexcept {
  return nullptr;
}

}  // namespace switchyard::cpu
#endif
