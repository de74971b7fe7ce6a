// SPDX-License-Identifier: Apache-2.0
// The bodies of the CPU backend, one session for each.
#pragma once

#include <memory>
#include <vector>

#include "support/backends.hpp"
#include "switchyard/backends/cpu.hpp"

namespace switchyard::test {

/// The tuned bodies that this processor runs; may be none.
inline std::vector<CpuBodies> tuned_bodies() {
  const CpuFeatures features = cpu_features();
  std::vector<CpuBodies> bodies;
  if (features.avx2) bodies.push_back(CpuBodies::avx2);
  if (features.avx512) bodies.push_back(CpuBodies::avx512);
  if (features.neon) bodies.push_back(CpuBodies::neon);
  if (features.amx) bodies.push_back(CpuBodies::amx);
  if (features.avx512_bf16) bodies.push_back(CpuBodies::avx512_bf16);
  return bodies;
}

/// All that this processor runs.
inline std::vector<CpuBodies> all_bodies() {
  std::vector<CpuBodies> bodies = tuned_bodies();
  bodies.insert(bodies.begin(), CpuBodies::reference);
  return bodies;
}

inline std::unique_ptr<CpuBackend> make_cpu(CpuBodies bodies, int num_threads = 2) {
  CpuOptions options;
  options.num_threads = num_threads;
  options.bodies = bodies;
  return std::make_unique<CpuBackend>(options);
}

}  // namespace switchyard::test
