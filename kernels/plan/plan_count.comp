#version 460
// SPDX-License-Identifier: Apache-2.0
// Rows per (tile, expert), one wave per tile.
#extension GL_GOOGLE_include_directive : require
#include "kernels/plan/plan_steps.glsl"

void main() {
  const uint experts = uint(params.num_local_experts);
  const int tile = int(gl_WorkGroupID.x);
  for (uint e = lane(); e < experts; e += kWave) cursors[e] = 0;
  sync_wave();
  walk_tile(tile, false);
  sync_wave();
  for (uint e = lane(); e < experts; e += kWave)
    store_int(params.scratch, scratch_index(tile, int(e)), cursors[e]);
}
