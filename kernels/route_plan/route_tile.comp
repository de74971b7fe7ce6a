#version 460
// SPDX-License-Identifier: Apache-2.0
// The first launch of stage "route_plan" for several tiles of tokens, a block each: ids, weights and
// rows per expert; pairs_by_token gets the rank in the tile.
#extension GL_GOOGLE_include_directive : require
#include "kernels/glsl/memory.glsl"
#include "kernels/glsl/elements.glsl"
#include "kernels/glsl/math.glsl"
#include "kernels/glsl/wave.glsl"

layout(push_constant, scalar) uniform Params {
#include "kernels/route_plan/tile_fields.glsl"
  int num_tokens;
  uint64_t counts;
} params;

#include "kernels/route_plan/tile_router.glsl"

void main() {
  set_row();
  place_router_arrays();
  const int tile = int(gl_WorkGroupID.x);
  const int first = tile * int(params.tile_tokens);
  const int tokens = live_tokens_of_tile(first, params.num_tokens);
  route_tile(first, tokens);
  const int waves = busy_waves(tokens);
  const int num_words = (local_experts() + 1) / 2;
  for (int w = int(thread()); w < num_words; w += int(num_threads())) {
    const int low = close_count(2 * w, waves);
    const int high = 2 * w + 1 < local_experts() ? close_count(2 * w + 1, waves) : 0;
    store_int(params.counts, int64_t(tile) * int64_t(num_words) + int64_t(w), low | high << 16);
  }
  sync_shared();
  for (int i = int(thread()); i < tokens * tile_top_k(); i += int(num_threads())) {
    const int e = int(words[ids_at + uint(i)]);
    store_int(params.pairs_by_token, int64_t(first) * int64_t(tile_top_k()) + int64_t(i),
              e < 0 ? -1 : rank_in_tile(e, words[places_at + uint(i)]));
  }
}
