// SPDX-License-Identifier: Apache-2.0
// What the GLSL bodies of stage "plan" share, as kernels/plan/simt.hpp: a stable counting sort by
// expert that uses no atomics. Equal experts within a wave find each other by ballots.
#include "kernels/glsl/memory.glsl"
#include "kernels/glsl/wave.glsl"
#include "kernels/plan/params.glsl"

shared int cursors[kSharedWords];  // [num_local_experts]

// Pairs, rows and slots of a call fit in 31 bits (kernels/plan/params.hpp).
int num_pairs() { return params.num_tokens * params.top_k; }
int live_pairs() { return live_count(params.live_tokens, params.num_tokens) * params.top_k; }

/// kernels::plan_tile_pairs and plan_tiles.
int tile_pairs() {
  const int shared_out = (num_pairs() + 255) / 256;
  return shared_out > 2048 ? shared_out : 2048;
}
int num_tiles() {
  const int size = tile_pairs();
  return num_pairs() <= size ? 1 : (num_pairs() + size - 1) / size;
}

/// Element e of a row of scratch: rows per expert of a tile; behind the last tile the padded prefix
/// sum.
int64_t scratch_index(int tile, int e) {
  return int64_t(tile) * int64_t(params.num_local_experts + 1) + int64_t(e);
}
int padded_offset(int e) { return load_int(params.scratch, scratch_index(num_tiles(), e)); }
int expert_offset(int e) { return load_int(params.expert_offsets, int64_t(e)); }

/// The local expert of a live pair, or -1: skipped.
int local_expert(int pair) {
  const int id = load_int(params.selected_ids, int64_t(pair));
  if (id < 0 || id >= params.num_experts) return -1;
  const int local = params.expert_map == 0ul ? id : load_int(params.expert_map, int64_t(id));
  return local < params.num_local_experts ? local : -1;
}

void place_pair(int pair, int row) {
  store_int(params.pairs_by_token, int64_t(pair), row);
  if (row >= 0) store_int(params.packed_token_idx, int64_t(row), pair / params.top_k);
}

/// One wave walks the live pairs of a tile in order. cursors[e] counts on by the pairs of expert e;
/// where `places`, each pair is placed at its cursor's value.
void walk_tile(int tile, bool places) {
  const int bits = params.num_local_experts <= 1 ? 0 : findMSB(params.num_local_experts - 1) + 1;
  const int size = tile_pairs();
  const int first = tile * size;
  const int last = min(first + size, live_pairs());
  for (int base = first; base < last; base += int(kWave)) {
    const int pair = base + int(lane());
    const int e = pair < last ? local_expert(pair) : -1;
    const uvec2 same = wave_match(e >= 0, uint(e), bits);
    const int rank = popcount(same & lanes_below());
    const int start = e < 0 ? 0 : cursors[e];
    sync_wave();
    if (e >= 0 && rank == 0) cursors[e] = start + popcount(same);
    sync_wave();
    if (places && pair < last) place_pair(pair, e < 0 ? -1 : start + rank);
  }
}

/// One wave turns the rows per expert in cursors into expert_offsets, the padded prefix sum and
/// total_post_pad.
void scan_experts() {
  const int experts = params.num_local_experts;
  const int bs = params.block_size;
  const int padded_tile = num_tiles();
  int rows = 0;
  int slots = 0;
  for (int base = 0; base < experts; base += int(kWave)) {
    const int e = base + int(lane());
    const int own = e < experts ? cursors[e] : 0;
    int total_rows;
    int total_slots;
    const int row = rows + scan_step(own, total_rows);
    const int slot = slots + scan_step((own + bs - 1) / bs * bs, total_slots);
    if (e < experts) {
      store_int(params.expert_offsets, int64_t(e), row);
      store_int(params.scratch, scratch_index(padded_tile, e), slot);
    }
    rows += total_rows;
    slots += total_slots;
  }
  if (lane() != 0u) return;
  store_int(params.expert_offsets, int64_t(experts), rows);
  store_int(params.scratch, scratch_index(padded_tile, experts), slots);
  store_int(params.total_post_pad, 0l, slots);
}

/// The last e with padded_offset(e) <= slot.
int expert_of_slot(int slot) {
  int low = 0;
  int high = params.num_local_experts;
  while (high - low > 1) {
    const int middle = (low + high) / 2;
    if (padded_offset(middle) <= slot) {
      low = middle;
    } else {
      high = middle;
    }
  }
  return low;
}

void fill_slot(int slot) {
  const bool used = slot < padded_offset(params.num_local_experts);
  const int e = used ? expert_of_slot(slot) : -1;
  int row = num_pairs();
  if (used) {
    const int candidate = expert_offset(e) + slot - padded_offset(e);
    if (candidate < expert_offset(e + 1)) row = candidate;
  }
  if (slot < params.slot_capacity) store_int(params.sorted_tokens, int64_t(slot), row);
  const int block = slot / params.block_size;
  if (slot % params.block_size == 0 && block < params.block_capacity)
    store_int(params.block_ids, int64_t(block), e);
}

/// Slots, blocks and the tails of the pair buffers, shared out over `count` threads.
void fill_rest(int64_t first, int64_t count) {
  const int64_t blocks_end = int64_t(params.block_capacity) * int64_t(params.block_size);
  const int64_t slots = max(int64_t(params.slot_capacity), blocks_end);
  for (int64_t slot = first; slot < slots; slot += count) fill_slot(int(slot));
  const int64_t capacity = int64_t(params.pair_capacity);
  for (int64_t p = int64_t(live_pairs()) + first; p < capacity; p += count) {
    store_int(params.selected_ids, p, -1);
    store_float(params.pair_weights, p, 0.0);
    store_int(params.pairs_by_token, p, -1);
  }
  const int64_t rows = int64_t(expert_offset(params.num_local_experts));
  for (int64_t r = rows + first; r < capacity; r += count)
    store_int(params.packed_token_idx, r, -1);
}
