// SPDX-License-Identifier: Apache-2.0
// Runs any body of the dialect (kernels/simt.hpp) on the emulator.
#pragma once

#include "backends/simt/engine.hpp"
#include "backends/simt/lane.hpp"

namespace switchyard::simt {

/// One emulated thread of Body.
template <class Body, int Wave>
void run_thread(Block& block, const void* params) {
  Lane<Wave> lane(block);
  kernels::simt::run_lane<Body>(lane, *static_cast<const typename Body::Params*>(params), [] {});
}

/// Runs a launch of Body, its blocks on the threads of `pool`, and returns when all are done.
/// Throws Error{device_failure}, which names the body, the thread and the reason, where the body
/// breaks a rule of the dialect or the launch asks for more than a GPU has.
template <class Body, int Wave>
void run_body(Engine& engine, host::ThreadPool& pool, const kernels::simt::LaunchShape& shape,
              const typename Body::Params& params) {
  if (shape.num_blocks == 0) return;
  engine.run(pool, {&run_thread<Body, Wave>, &params, shape, Wave, engine.seed()}, Body::kName);
}

}  // namespace switchyard::simt
