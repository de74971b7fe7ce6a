// SPDX-License-Identifier: Apache-2.0
// One token's logits in the registers of a wave, as kernels/route/simt_register_row.hpp: expert e
// is number e / kWave of lane e % kWave. The same choice and the same bits as route.comp.
// Bodies are compiled once for each number of experts of a lane, SWITCHYARD_PER_LANE: the length of an
// array that is kept in registers is a literal.
const int kPerLane = SWITCHYARD_PER_LANE;

float row_logits[kPerLane];
uint row_keys[kPerLane];  // candidate keys, 0: taken, or no expert

uint expert_of(int j) { return uint(j) * kWave + lane(); }

void load_row() {
  [[unroll]] for (int j = 0; j < kPerLane; ++j)
    row_logits[j] = expert_of(j) < row.num_experts ? logit_of(expert_of(j)) : minus_infinity();
}

/// prepare_softmax over the row.
void prepare_row_softmax() {
  float own = minus_infinity();
  [[unroll]] for (int j = 0; j < kPerLane; ++j) {
    const float l = score_input(row_logits[j]);
    own = l > own ? l : own;
  }
  set_best(own);
  precise float partial[8] = float[8](0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0);
  const int per_round = int(64u / kWave);
  [[unroll]] for (int j = 0; j < kPerLane; ++j)
    if (expert_of(j) < row.num_experts)
      partial[j % per_round] = partial[j % per_round] + exponential(row_logits[j]);
  sum = join_partials(partial);
}

void rank_row() {
  [[unroll]] for (int j = 0; j < kPerLane; ++j)
    row_keys[j] = expert_of(j) < row.num_experts
                      ? candidate_key(selection_of(row_logits[j], expert_of(j)))
                      : 0u;
}

/// drop_groups, over the wave's keys in shared memory.
void drop_row_groups() {
  [[unroll]] for (int j = 0; j < kPerLane; ++j)
    if (expert_of(j) < row.num_experts) words[keys_at + expert_of(j)] = row_keys[j];
  sync_wave();
  drop_groups();
  [[unroll]] for (int j = 0; j < kPerLane; ++j)
    if (expert_of(j) < row.num_experts) row_keys[j] = words[keys_at + expert_of(j)];
}

/// The K best, best first, to `chosen`; the wave sees them.
void select_from_row() {
  for (uint k = 0u; k < row.top_k; ++k) {
    uvec2 own = uvec2(0u);
    [[unroll]] for (int j = 0; j < kPerLane; ++j)
      if (row_keys[j] > own.x) own = uvec2(row_keys[j], expert_of(j));
    const uint id = best_of_wave(own).y;
    [[unroll]] for (int j = 0; j < kPerLane; ++j)
      if (expert_of(j) == id) row_keys[j] = 0u;
    if (lane() == 0u) words[chosen_at + k] = id;
  }
  sync_wave();
}

/// Routes `token`: `chosen` gets its experts, row.pair_weights their weights.
void route_in_registers() {
  load_row();
  if (row.score == kSoftmax) prepare_row_softmax();
  rank_row();
  if (row.num_groups > 1u) drop_row_groups();
  select_from_row();
  weigh();
}
