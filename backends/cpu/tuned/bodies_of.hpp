// SPDX-License-Identifier: Apache-2.0
// The bodies over one class of vectors. Included inside a namespace of the instruction set's own
// source: nothing here is shared with another.
#pragma once

#include "backends/cpu/tuned/combine.hpp"
#include "backends/cpu/tuned/gate.hpp"
#include "backends/cpu/tuned/stages.hpp"

template <class S>
[[nodiscard]] constexpr Bodies bodies_of(CpuBodies name, WeightLayout layout) {
  return {name,         layout,  layout,  2 * S::kLanes, &run_gate_up<S>,
          &run_down<S>, nullptr, nullptr, &run_gate<S>,  &run_combine<S>};
}
