// SPDX-License-Identifier: Apache-2.0
#include "backends/cpu/tuned/bodies_impl.hpp"
#include "backends/cpu/tuned/target.hpp"

#if defined(__x86_64__)
// GCC 12 warns of the undefined vectors inside its own intrinsics (GCC bug 105593).
#if !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC diagnostic ignored "-Wuninitialized"
#endif
#include <immintrin.h>

SWITCHYARD_BEGIN_TARGET("avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512bf16")
namespace switchyard::cpu {
namespace {
#include "backends/cpu/tuned/bodies_of.hpp"
#include "backends/cpu/tuned/pair_stages.hpp"
// What follows needs the names above.
#include "backends/cpu/tuned/dot_pairs.hpp"
}  // namespace
}  // namespace switchyard::cpu
SWITCHYARD_END_TARGET

namespace switchyard::cpu {

const Bodies* avx512_bf16_bodies() noexcept {
  static const Bodies kBodies = with_pairs<Avx512Once, DotProduct>(
      bodies_of<Avx512Once>(CpuBodies::avx512_bf16, WeightLayout::panels32),
      CpuBodies::avx512_bf16);
  return &kBodies;
}

}  // namespace switchyard::cpu
#else
namespace switchyard::cpu {

const Bodies* avx512_bf16_bodies() noexcept {
  return nullptr;
}

}  // namespace switchyard::cpu
#endif
