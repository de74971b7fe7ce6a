#version 460
// SPDX-License-Identifier: Apache-2.0
// kernels::blocks_of_rows on the device, for the launch behind this one. One thread.
#extension GL_GOOGLE_include_directive : require
#include "kernels/glsl/memory.glsl"
#include "kernels/glsl/wave.glsl"

layout(push_constant, scalar) uniform Params {
  uint64_t expert_offsets;
  uint64_t live_tokens;
  uint64_t extents;
  int max_rows;
  int num_experts;
  int block_size;
  int tile_rows;
  int tile_items;
  int block_items;
  int max_blocks;
} params;

int64_t row_tiles(int64_t rows) {
  if (params.expert_offsets == 0ul) return ceil_div(rows, params.tile_rows);
  const int64_t used = min(rows, int64_t(params.num_experts));
  if (params.block_size == 0) return ceil_div(rows, params.tile_rows) + used;
  return ceil_div(rows + used * int64_t(params.block_size - 1), params.block_size) *
         int64_t(params.block_size / params.tile_rows);
}

void main() {
  if (thread() != 0u) return;
  const int rows = params.expert_offsets == 0ul
                       ? live_count(params.live_tokens, params.max_rows)
                       : load_int(params.expert_offsets, int64_t(params.num_experts));
  const int64_t blocks =
      ceil_div(row_tiles(int64_t(rows)) * int64_t(params.tile_items), params.block_items);
  store_int(params.extents, 0l, int(min(blocks, int64_t(params.max_blocks))));
  store_int(params.extents, 1l, 1);
  store_int(params.extents, 2l, 1);
}
