// SPDX-License-Identifier: Apache-2.0
// What a block does with a tile of tokens, as kernels/route_plan/simt_tile.hpp: routes them, one wave
// a token, and finds for each pair how many pairs of the same expert come before it in the tile.
//
// The includer's parameter block has the members of tile_fields.glsl.
#include "kernels/route/scores.glsl"
#include "kernels/route/register_row.glsl"

// Among the words, of the block:
uint ids_at;      // [tile pairs] local expert, -1: skipped
uint places_at;   // [tile pairs] rank in the wave | wave << 16 | token of the tile << 24
uint cursors_at;  // [waves, local experts] pairs so far; then, of the waves before
uint free_at;     // what is left

int global_experts() { return int(params.experts & 0xffffu); }
int local_experts() { return int(params.experts >> 16); }
int tile_top_k() { return int(params.top_k); }

uint recipe_field(uint i) {
  const uint recipe = uint(params.recipe_low) | uint(params.recipe_high) << 8;
  return (recipe >> (2u * i)) & 3u;
}

void set_row() {
  row.logits = params.logits_or_ids;
  row.correction_bias = params.bias_or_weights;
  row.pair_weights = params.pair_weights;
  row.num_experts = uint(global_experts());
  row.top_k = uint(params.top_k);
  row.num_groups = uint(params.last_group) + 1u;
  row.kept_groups = uint(params.last_kept_group) + 1u;
  row.epsilon = params.epsilon;
  row.scaling_factor = params.scaling_factor;
  row.logits_dtype = recipe_field(0u);
  row.activation_dtype = recipe_field(1u);
  row.score = recipe_field(2u);
  row.group_score = recipe_field(3u);
  row.group_fill = recipe_field(4u);
  row.weights_from = recipe_field(5u);
  row.renormalize = recipe_field(6u);
  row.weights_rounding = recipe_field(7u);
}

/// As kernels::tile_router_words.
void place_router_arrays() {
  const uint pairs = uint(params.tile_tokens) * uint(params.top_k);
  ids_at = 0u;
  places_at = pairs;
  cursors_at = 2u * pairs;
  weights_at = cursors_at + num_waves() * uint(local_experts());
  keys_at = weights_at + num_waves() * row.top_k;
  weights_at += wave() * row.top_k;
  const bool grouped = row.num_groups > 1u;
  groups_at = keys_at + (grouped ? num_waves() * row.num_experts : 0u);
  free_at = groups_at + (grouped ? num_waves() * row.num_groups : 0u);
  keys_at += wave() * row.num_experts;
  groups_at += wave() * row.num_groups;
}

/// Tokens of a wave, one after the other.
int wave_tokens() {
  const int waves = int(num_waves());
  return (int(params.tile_tokens) + waves - 1) / waves;
}
/// Waves that route some of the tile's first `tokens` tokens.
int busy_waves(int tokens) { return (tokens + wave_tokens() - 1) / wave_tokens(); }

/// Live tokens of the tile whose first token is `first`, in a call of num_tokens.
int live_tokens_of_tile(int first, int num_tokens) {
  return clamp(live_count(params.live_tokens, num_tokens) - first, 0, int(params.tile_tokens));
}

/// The local expert of an id, or -1: its pair is skipped.
int local_expert(int id) {
  if (id < 0 || id >= global_experts()) return -1;
  const int local = params.expert_map == 0ul ? id : load_int(params.expert_map, int64_t(id));
  return local < local_experts() ? local : -1;
}

/// The caller chose: `chosen` gets the ids as they are.
void copy_given() {
  for (uint k = lane(); k < row.top_k; k += kWave) {
    const int64_t pair = token * int64_t(row.top_k) + int64_t(k);
    words[chosen_at + k] = uint(load_int(params.logits_or_ids, pair));
    store_float(params.pair_weights, pair, load_float(params.bias_or_weights, pair));
  }
  sync_wave();
}

/// Ids of token `i` of the tile become local, and its pairs get their places. Routed experts of a
/// token are distinct; given ones, or what a map makes of them, may not be.
void count_pairs(int i) {
  const uint own_cursors = cursors_at + wave() * uint(local_experts());
  const uint place = wave() << 16 | uint(i) << 24;
  const bool distinct = uint(params.given) == 0u && params.expert_map == 0ul;
  const int bits =
      local_experts() <= 1 || distinct ? 0 : findMSB(uint(local_experts() - 1)) + 1;
  for (uint base = 0u; base < row.top_k; base += kWave) {
    const uint k = base + lane();
    const bool is_pair = k < row.top_k;
    const int id = is_pair ? int(words[chosen_at + k]) : -1;
    if (is_pair) store_int(params.selected_ids, token * int64_t(row.top_k) + int64_t(k), id);
    const int e = local_expert(id);
    const uint start = e < 0 ? 0u : words[own_cursors + uint(e)];
    int before = 0;
    int same = 1;
    if (!distinct) {
      const uvec2 equals = wave_match(e >= 0, uint(e), bits);
      before = popcount(equals & lanes_below());
      same = popcount(equals);
    }
    sync_wave();
    if (e >= 0 && before == 0) words[own_cursors + uint(e)] = start + uint(same);
    if (is_pair) {
      words[chosen_at + k] = uint(e);
      words[places_at + uint(i) * row.top_k + k] = (start + uint(before)) | place;
    }
    sync_wave();
  }
}

/// Routes the tile's first `tokens` tokens, of which number 0 is token `first`. All threads call it.
void route_tile(int first, int tokens) {
  const int begin = int(wave()) * wave_tokens();
  const int end = min(begin + wave_tokens(), tokens);
  if (begin < end) {
    for (uint e = lane(); e < uint(local_experts()); e += kWave)
      words[cursors_at + wave() * uint(local_experts()) + e] = 0u;
    sync_wave();
  }
  for (int i = begin; i < end; ++i) {
    token = int64_t(first + i);
    chosen_at = ids_at + uint(i) * row.top_k;
    if (uint(params.given) != 0u) copy_given();
    else route_in_registers();
    count_pairs(i);
  }
  sync_shared();
}

/// The rows of expert e among the first `waves` waves; its cursors become those of the waves before.
/// Each expert is asked for once.
int close_count(int e, int waves) {
  int sum_before = 0;
  for (int w = 0; w < waves; ++w) {
    const uint at = cursors_at + uint(w * local_experts() + e);
    const int own = int(words[at]);
    words[at] = uint(sum_before);
    sum_before += own;
  }
  return sum_before;
}

/// The rank of a pair of expert e among those of the tile, once the counts are closed.
int rank_in_tile(int e, uint place) {
  const uint of_wave = place >> 16 & 0xffu;
  return int(words[cursors_at + of_wave * uint(local_experts()) + uint(e)]) +
         int(place & 0xffffu);
}
