#version 460
// SPDX-License-Identifier: Apache-2.0
// Per expert: the tiles' rows become each tile's start within the expert; then the scan over
// experts. One block.
#extension GL_GOOGLE_include_directive : require
#include "kernels/plan/plan_steps.glsl"

void main() {
  const uint experts = uint(params.num_local_experts);
  const int tiles = num_tiles();
  for (uint e = thread(); e < experts; e += num_threads()) {
    int sum = 0;
    for (int tile = 0; tile < tiles; ++tile) {
      const int64_t at = scratch_index(tile, int(e));
      const int own = load_int(params.scratch, at);
      store_int(params.scratch, at, sum);
      sum += own;
    }
    cursors[e] = sum;
  }
  sync_block();
  if (wave() == 0u) scan_experts();
}
