#version 460
// SPDX-License-Identifier: Apache-2.0
// The last launch of stage "route_plan" for several tiles, a block each: places the tile's pairs, and
// does its share of what no pair is placed at. Few tiles' counts are summed in every block anew.
#extension GL_GOOGLE_include_directive : require
#include "kernels/glsl/memory.glsl"
#include "kernels/glsl/wave.glsl"
#include "kernels/route_plan/tile_counts.glsl"

shared uint words[kSharedWords];

#include "kernels/route_plan/placer.glsl"

// Among the words: rows and slots of the placer, and
uint before_at;  // [local experts] rows of the tiles before
uint sums_at;    // [4, sharers, num_words] of every sharers-th tile: rows of the word's two experts,
                 // and those of the tiles before

/// Threads that share a word of the sums over tiles.
int sharers() { return max(int(num_threads()) / num_words(), 1); }

/// Sums number i: word i % num_words() over every sharers-th tile.
void sum_tiles(int i, int own_tile) {
  const int w = i % num_words();
  uvec4 partial = uvec4(0u);
  for (int tile = i / num_words(); tile < num_tiles(); tile += sharers()) {
    const uint word = count_word(tile, w);
    const uvec2 own = uvec2(word & 0xffffu, word >> 16);
    partial.xy += own;
    if (tile < own_tile) partial.zw += own;
  }
  const uint stride = uint(sharers() * num_words());
  [[unroll]] for (int part = 0; part < 4; ++part)
    words[sums_at + uint(part) * stride + uint(i)] = partial[part];
}

/// Adds up what the sharers have for expert e: its rows, or those of the tiles before.
int total_of(int e, bool before) {
  const uint stride = uint(sharers() * num_words());
  const uint first = sums_at + uint((before ? 2 : 0) + e % 2) * stride + uint(e / 2);
  uint sum = 0u;
  for (int part = 0; part < sharers(); ++part) sum += words[first + uint(part * num_words())];
  return int(sum);
}

/// Fills the rows of the experts, and of the tiles before `tile`.
void count_rows(int tile) {
  const bool few = num_tiles() <= kFewTiles;
  if (few) {
    for (int i = int(thread()); i < num_words() * sharers(); i += int(num_threads()))
      sum_tiles(i, tile);
    sync_shared();
  }
  for (int e = int(thread()); e < plan_experts; e += int(num_threads())) {
    words[rows_at + uint(e)] =
        uint(few ? total_of(e, false) : load_int(params.scratch, start_index(num_tiles(), e)));
    words[before_at + uint(e)] =
        uint(few ? total_of(e, true) : load_int(params.scratch, start_index(tile, e)));
  }
  sync_shared();
}

/// The local expert of an id, or -1: its pair is skipped.
int local_expert(int id) {
  if (id < 0 || id >= params.num_experts) return -1;
  const int local = params.expert_map == 0ul ? id : load_int(params.expert_map, int64_t(id));
  return local < params.num_local_experts ? local : -1;
}

void main() {
  const int tile = int(gl_WorkGroupID.x);
  plan_experts = params.num_local_experts;
  plan_block_bits = findMSB(uint(params.block_size));
  plan_pairs = params.num_tokens * params.top_k;
  plan_live_pairs = live_count(params.live_tokens, params.num_tokens) * params.top_k;
  rows_at = 0u;
  slots_at = rows_at + uint(plan_experts) + 1u;
  before_at = slots_at + uint(plan_experts) + 1u;
  sums_at = before_at + uint(plan_experts);
  count_rows(tile);
  scan_experts(tile == 0);

  const int tile_pairs = tile_tokens() * params.top_k;
  const int first = tile * tile_pairs;
  const int count = clamp(plan_live_pairs - first, 0, tile_pairs);
  for (int i = int(thread()); i < count; i += int(num_threads())) {
    const int pair = first + i;
    const int e = local_expert(load_int(params.selected_ids, int64_t(pair)));
    const int rank = load_int(params.pairs_by_token, int64_t(pair));
    place_pair(pair, pair / params.top_k, e,
               e < 0 ? 0 : int(words[before_at + uint(e)]) + rank);
  }
  const int of_thread = int(gl_WorkGroupID.x * num_threads() + thread());
  const int threads = int(gl_NumWorkGroups.x * num_threads());
  pad_all(of_thread, threads);
  fill_tails(of_thread, threads);
}
