// SPDX-License-Identifier: Apache-2.0
// The rows per expert that route_tile.comp left of every tile, as kernels/route_plan/simt.hpp: two
// experts share a word. Where there are more than kFewTiles tiles, behind the words lie each tile's
// start within the experts and the rows of the experts.
#include "kernels/plan/params.glsl"

const int kFewTiles = 128;
const int kMaxTilePairs = 1024;

/// kernels::tile_tokens and route_plan_tiles.
int tile_tokens() {
  if (params.num_tokens <= 1024) return 8;
  int tokens = 16;
  while (params.num_tokens > 16384 && tokens < 64 && 2 * tokens * params.top_k <= kMaxTilePairs)
    tokens *= 2;
  return tokens;
}
int num_tiles() {
  const int tokens = tile_tokens();
  return params.num_tokens <= tokens ? 1 : (params.num_tokens + tokens - 1) / tokens;
}
int num_words() { return (params.num_local_experts + 1) / 2; }

uint count_word(int tile, int w) {
  return uint(load_int(params.scratch, int64_t(tile) * int64_t(num_words()) + int64_t(w)));
}
/// Rows of expert e in its word.
int count_of(uint word, int e) { return int((word >> (16 * (e % 2))) & 0xffffu); }

/// Where a tile's start within expert e lies in scratch; of tile num_tiles(): the rows of e.
int64_t start_index(int tile, int e) {
  return int64_t(num_tiles()) * int64_t(num_words()) +
         int64_t(tile) * int64_t(params.num_local_experts) + int64_t(e);
}
