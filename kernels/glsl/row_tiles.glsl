// SPDX-License-Identifier: Apache-2.0
// Row tiles for bodies that take 16 packed rows of one expert at most, a wave by itself. They come
// from the plan's blocks: a tile's expert is one load, on which the weights' addresses depend alone.
//
// The includer's parameter block has the members of a product over a plan.
const int kRows = 16;  // of a row tile

int item_expert;  // -1: neither the tile nor any behind it has rows

/// Row tiles of the launch, as in tile.glsl.
int64_t num_row_tiles() {
  if (params.expert_offsets == 0ul) return ceil_div(int64_t(params.max_rows), kRows);
  const int64_t used = int64_t(min(params.max_rows, params.num_experts));
  const int64_t slots = int64_t(params.max_rows) + used * int64_t(params.block_size - 1);
  return ceil_div(slots, params.block_size) * int64_t(params.block_size / kRows);
}

/// Moves to a row tile.
void enter_row_tile(int64_t tile) {
  const int64_t slot = tile * int64_t(kRows);
  if (params.expert_offsets != 0ul)
    item_expert = load_int(params.block_ids, quotient(slot, params.block_size));
  else
    item_expert = slot < int64_t(live_count(params.live_tokens, params.max_rows)) ? 0 : -1;
}

/// Packed rows of the tile at hand, from `first` on.
int find_rows(int64_t tile, out int64_t first) {
  const int64_t slot = tile * int64_t(kRows);
  first = slot;
  if (params.expert_offsets == 0ul) {
    const int64_t live = int64_t(live_count(params.live_tokens, params.max_rows));
    return int(clamp(live - slot, 0l, int64_t(kRows)));
  }
  int count = 0;
  for (int base = 0; base < kRows; base += int(kWave)) {
    const int i = base + int(lane());
    const int row = i < kRows ? load_int(params.sorted_tokens, slot + int64_t(i)) : params.max_rows;
    count += int(subgroupBallotBitCount(subgroupBallot(row < params.max_rows)));
    if (base == 0) first = int64_t(subgroupShuffle(row, 0u));
  }
  return count;
}
