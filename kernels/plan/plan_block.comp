#version 460
// SPDX-License-Identifier: Apache-2.0
// Stage "plan" in one block, for one tile of pairs.
#extension GL_GOOGLE_include_directive : require
#include "kernels/plan/plan_steps.glsl"

void main() {
  const uint experts = uint(params.num_local_experts);
  for (uint e = thread(); e < experts; e += num_threads()) cursors[e] = 0;
  sync_block();
  if (wave() == 0u) {
    walk_tile(0, false);
    sync_wave();
    scan_experts();
    for (uint e = lane(); e < experts; e += kWave) cursors[e] = expert_offset(int(e));
    sync_wave();
    walk_tile(0, true);
  }
  sync_block();
  fill_rest(int64_t(thread()), int64_t(num_threads()));
}
