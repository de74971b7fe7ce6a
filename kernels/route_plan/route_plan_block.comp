#version 460
// SPDX-License-Identifier: Apache-2.0
// The whole of stage "route_plan" for the few tokens of one tile, in one block.
#extension GL_GOOGLE_include_directive : require
#include "kernels/glsl/memory.glsl"
#include "kernels/glsl/elements.glsl"
#include "kernels/glsl/math.glsl"
#include "kernels/glsl/wave.glsl"

layout(push_constant, scalar) uniform Params {
#include "kernels/route_plan/tile_fields.glsl"
  int pair_capacity;
  uint64_t packed_token_idx;
  uint64_t expert_offsets;
  uint64_t sorted_tokens;
  uint64_t block_ids;
  uint64_t total_post_pad;
  int slot_capacity;
  int block_capacity;
} params;

#include "kernels/route_plan/tile_router.glsl"
#include "kernels/route_plan/placer.glsl"

void main() {
  set_row();
  place_router_arrays();
  plan_experts = local_experts();
  plan_block_bits = int(params.block_bits);
  rows_at = free_at;
  slots_at = rows_at + uint(plan_experts) + 1u;

  const int tokens = live_tokens_of_tile(0, int(params.tile_tokens));
  plan_pairs = int(params.tile_tokens) * tile_top_k();
  plan_live_pairs = tokens * tile_top_k();
  route_tile(0, tokens);
  const int waves = busy_waves(tokens);
  for (int e = int(thread()); e < plan_experts; e += int(num_threads()))
    words[rows_at + uint(e)] = uint(close_count(e, waves));
  sync_shared();
  scan_experts(true);

  // A thread per place of a block: the first places a pair, the others pad where it is the last of
  // its expert.
  for (int i = int(thread()); i < plan_live_pairs << plan_block_bits; i += int(num_threads())) {
    const int pair = i >> plan_block_bits;
    const int place = i & last_place();
    const int e = int(words[ids_at + uint(pair)]);
    const uint at = words[places_at + uint(pair)];
    const int rank = e < 0 ? 0 : rank_in_tile(e, at);
    if (place == 0) place_pair(pair, int(at >> 24), e, rank);
    else if (e >= 0 && rank + 1 == first_row(e + 1) - first_row(e)) pad(e, place);
  }
  fill_tails(int(thread()), int(num_threads()));
}
