#version 460
// SPDX-License-Identifier: Apache-2.0
// Stage "route_plan" with many tiles: one wave per expert turns its counts into each tile's start. A
// lane sums tiles in a row, the wave scans the lanes' sums, and the lanes go through their tiles once
// more.
#extension GL_GOOGLE_include_directive : require
#include "kernels/glsl/memory.glsl"
#include "kernels/glsl/wave.glsl"
#include "kernels/route_plan/tile_counts.glsl"

void main() {
  const int tiles = num_tiles();
  const int lane_tiles = (tiles + int(kWave) - 1) / int(kWave);
  const int first = int(lane()) * lane_tiles;
  const int last = min(first + lane_tiles, tiles);
  const int step_size = int(gl_NumWorkGroups.x * num_waves());
  for (int e = int(gl_WorkGroupID.x * num_waves() + wave()); e < params.num_local_experts;
       e += step_size) {
    int own = 0;
    for (int tile = first; tile < last; ++tile) own += count_of(count_word(tile, e / 2), e);
    int rows;
    int start = scan_step(own, rows);
    for (int tile = first; tile < last; ++tile) {
      store_int(params.scratch, start_index(tile, e), start);
      start += count_of(count_word(tile, e / 2), e);
    }
    if (lane() == 0u) store_int(params.scratch, start_index(tiles, e), rows);
  }
}
