// SPDX-License-Identifier: Apache-2.0
// From the rows of each expert to the plan, as kernels/route_plan/simt_place.hpp: offsets, the padded
// order, and where a pair goes. No search: the first pair of a block names the block's expert, and
// padding follows an expert's rows.
//
// The includer's parameter block has the addresses of the plan and its capacities; the includer sets
// where the arrays lie among `words` and how large a call is.
uint rows_at;   // [local experts + 1] rows of an expert, at last its first row
uint slots_at;  // [local experts + 1] the first slot of an expert
int plan_experts;
int plan_pairs;       // of the call
int plan_live_pairs;  // of its live tokens
int plan_block_bits;  // the block size is 1 << plan_block_bits

int first_row(int e) { return int(words[rows_at + uint(e)]); }
int first_slot(int e) { return int(words[slots_at + uint(e)]); }
int last_place() { return (1 << plan_block_bits) - 1; }
int padded(int rows) { return (rows + last_place()) & ~last_place(); }

/// The first wave turns the rows of the experts into their first rows and slots; the block sees
/// them. With `publish`, also the offsets and the total of the plan.
void scan_experts(bool publish) {
  if (wave() == 0u) {
    const int share = (plan_experts + int(kWave) - 1) / int(kWave);  // of a lane, in a row
    const int first = min(int(lane()) * share, plan_experts);
    const int last = min(first + share, plan_experts);
    int own_rows = 0;
    int own_slots = 0;
    for (int e = first; e < last; ++e) {
      own_rows += first_row(e);
      own_slots += padded(first_row(e));
    }
    int rows;
    int slots;
    int row_start = scan_step(own_rows, rows);
    int slot_start = scan_step(own_slots, slots);
    for (int e = first; e < last; ++e) {
      const int own = first_row(e);
      words[rows_at + uint(e)] = uint(row_start);
      words[slots_at + uint(e)] = uint(slot_start);
      if (publish) store_int(params.expert_offsets, int64_t(e), row_start);
      row_start += own;
      slot_start += padded(own);
    }
    if (lane() == 0u) {
      words[rows_at + uint(plan_experts)] = uint(rows);
      words[slots_at + uint(plan_experts)] = uint(slots);
      if (publish) {
        store_int(params.expert_offsets, int64_t(plan_experts), rows);
        store_int(params.total_post_pad, 0l, slots);
      }
    }
  }
  sync_shared();
}

/// Pair `pair`, of token `of_token`, is number `rank` of expert e; e = -1: it is skipped.
void place_pair(int pair, int of_token, int e, int rank) {
  const int at_row = e < 0 ? -1 : first_row(e) + rank;
  store_int(params.pairs_by_token, int64_t(pair), at_row);
  if (e < 0) return;
  const int slot = first_slot(e) + rank;
  store_int(params.packed_token_idx, int64_t(at_row), of_token);
  store_int(params.sorted_tokens, int64_t(slot), at_row);
  if ((rank & last_place()) == 0) store_int(params.block_ids, int64_t(slot >> plan_block_bits), e);
}

/// Place `place` of the last block of expert e, where no row is.
void pad(int e, int place) {
  const int used = (first_row(e + 1) - first_row(e)) & last_place();  // 0: all
  if (used != 0 && place >= used)
    store_int(params.sorted_tokens, int64_t(first_slot(e + 1) - 1 - last_place() + place),
              plan_pairs);
}

/// The padding of all experts, shared out over `count` threads.
void pad_all(int of_thread, int count) {
  for (int i = of_thread; i < plan_experts << plan_block_bits; i += count)
    pad(i >> plan_block_bits, i & last_place());
}

/// What is beyond the rows, slots, blocks and live pairs, shared out over `count` threads.
void fill_tails(int of_thread, int count) {
  const int slots = first_slot(plan_experts);
  for (int slot = slots + of_thread; slot < int(params.slot_capacity); slot += count)
    store_int(params.sorted_tokens, int64_t(slot), plan_pairs);
  for (int block = (slots >> plan_block_bits) + of_thread; block < int(params.block_capacity);
       block += count)
    store_int(params.block_ids, int64_t(block), -1);
  const int capacity = int(params.pair_capacity);
  for (int at = first_row(plan_experts) + of_thread; at < capacity; at += count)
    store_int(params.packed_token_idx, int64_t(at), -1);
  for (int pair = plan_live_pairs + of_thread; pair < capacity; pair += count) {
    store_int(params.selected_ids, int64_t(pair), -1);
    store_float(params.pair_weights, int64_t(pair), 0.0);
    store_int(params.pairs_by_token, int64_t(pair), -1);
  }
}
