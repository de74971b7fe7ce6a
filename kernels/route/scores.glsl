// SPDX-License-Identifier: Apache-2.0
// What one wave does with the logits of one token, as kernels/route/simt_scores.hpp: scores, what
// experts are ranked by, groups and the weights of the chosen.
//
// The includer sets `row` and where the wave's arrays lie among `words`.
const uint kMaxTopK = 64u;
// switchyard/router.hpp
const uint kSoftmax = 0u;
const uint kIdentity = 2u;
const uint kBestOfGroup = 1u;
const uint kFillZero = 1u;
const uint kSoftmaxOverSelected = 1u;
const uint kNotRenormalized = 0u;
const uint kDivideBySum = 1u;

/// kernels::RouteParams.
struct Row {
  uint64_t logits;           // [T, E]
  uint64_t correction_bias;  // [E], or 0
  uint64_t pair_weights;     // [T, K]
  uint num_experts;
  uint top_k;
  uint num_groups;
  uint kept_groups;
  float epsilon;
  float scaling_factor;
  uint logits_dtype;
  uint activation_dtype;
  uint score;
  uint group_score;
  uint group_fill;
  uint weights_from;
  uint renormalize;
  uint weights_rounding;
};
Row row;

shared uint words[kSharedWords];

// Of the wave, among the words:
uint keys_at;     // [E] candidate keys, 0: taken
uint groups_at;   // [num_groups] keys, 0: kept
uint chosen_at;   // [K] experts
uint weights_at;  // [K]

int64_t token;
float best;  // of the logits that a softmax is over, as it uses them
float sum;   // of their exponentials

uint candidate_key(float selection) { return order_key(selection) + 1u; }

/// Candidates are (key, id); key 0 is none.
bool better(uvec2 a, uvec2 b) { return a.x > b.x || (a.x == b.x && a.y < b.y); }

float logit_of(uint e) {
  return load_element(row.logits_dtype, row.logits,
                      token * int64_t(row.num_experts) + int64_t(e));
}

/// The i-th logit of a softmax over all experts, or over those chosen.
float softmax_logit(bool over_selected, uint i) {
  return logit_of(over_selected ? words[chosen_at + i] : i);
}

float exponential(float l) {
  if (best == minus_infinity()) return 0.0;
  precise float distance = score_input(l) - best;
  return exp_nonpositive(distance);
}

/// Sets best from the best of each lane, none of which is NaN.
void set_best(float own) {
  for (uint width = kWave / 2u; width > 0u; width /= 2u) {
    const float other = subgroupShuffleXor(own, width);
    own = other > own ? other : own;
  }
  best = own;
}

/// Sets best and sum for the softmax over `count` logits.
void prepare_softmax(bool over_selected, uint count) {
  float top = minus_infinity();
  for (uint i = lane(); i < count; i += kWave) {
    const float l = score_input(softmax_logit(over_selected, i));
    top = l > top ? l : top;
  }
  set_best(top);
  precise float partial[8] = float[8](0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0);
  for (uint base = 0u; base < count; base += 64u)
    for (uint j = 0u; j < 64u / kWave; ++j) {
      const uint i = base + j * kWave + lane();
      if (i < count) partial[j] = partial[j] + exponential(softmax_logit(over_selected, i));
    }
  sum = join_partials(partial);
}

/// The score of a logit: one exponential and one division serve softmax and sigmoid.
float score_of(uint score, float l) {
  const float value = score_input(l);
  if (score == kIdentity) return value;
  const bool is_softmax = score == kSoftmax;
  if (is_softmax && !(sum > 0.0)) return 0.0;  // no logit of the row is finite
  precise float distance = value - best;
  const float e = exp_nonpositive(is_softmax ? distance : -abs(value));
  precise float divisor = 1.0 + e;
  return exact_divide(is_softmax || value < 0.0 ? e : 1.0, is_softmax ? sum : divisor);
}

/// What expert e, whose logit is l, is ranked by.
float selection_of(float l, uint e) {
  if (is_nan(l) || (row.correction_bias == 0ul && row.num_groups == 1u)) return l;
  const float score = score_of(row.score, l);
  if (row.correction_bias == 0ul) return score;
  precise float biased = score + load_float(row.correction_bias, int64_t(e));
  return biased;
}

/// Selection of a group: of its best member, or the sum of its two best.
float group_selection(uint g, uint width) {
  uvec2 first = uvec2(0u);
  uvec2 second = uvec2(0u);
  for (uint e = g * width; e < (g + 1u) * width; ++e) {
    const uvec2 own = uvec2(words[keys_at + e], e);
    if (better(own, first)) {
      second = first;
      first = own;
    } else if (better(own, second)) {
      second = own;
    }
  }
  const uint members = row.group_score == kBestOfGroup || width == 1u ? 1u : 2u;
  precise float total = 0.0;
  [[dont_unroll]] for (uint i = 0u; i < members; ++i) {
    const uint e = i == 0u ? first.y : second.y;
    const float member = selection_of(logit_of(e), e);
    precise float with_member = total + member;
    total = i == 0u ? member : with_member;
  }
  return total;
}

/// The best of the wave's candidates.
uvec2 best_of_wave(uvec2 own) {
  const uint key = subgroupMax(own.x);
  return uvec2(key, subgroupMin(own.x == key ? own.y : ~0u));
}

/// The best candidate among `count` keys, whose key becomes 0.
uint take_best(uint keys, uint count) {
  uvec2 winner = uvec2(0u);
  for (uint i = lane(); i < count; i += kWave) {
    const uvec2 own = uvec2(words[keys + i], i);
    if (better(own, winner)) winner = own;
  }
  winner = best_of_wave(winner);
  if (winner.y % kWave == lane()) words[keys + winner.y] = 0u;
  sync_wave();
  return winner.y;
}

/// Keeps the best groups; the experts of the others get the fill as their selection.
void drop_groups() {
  const uint num_groups = row.num_groups;
  const uint experts = row.num_experts;
  const uint width = experts / num_groups;
  for (uint g = lane(); g < num_groups; g += kWave)
    words[groups_at + g] = candidate_key(group_selection(g, width));
  sync_wave();
  for (uint kept = 0u; kept < row.kept_groups; ++kept) take_best(groups_at, num_groups);
  const uint fill =
      candidate_key(row.group_fill == kFillZero ? 0.0 : minus_infinity());
  for (uint e = lane(); e < experts; e += kWave)
    if (words[groups_at + e / width] != 0u && !is_nan(logit_of(e))) words[keys_at + e] = fill;
  sync_wave();
}

void weigh() {
  const uint top_k = row.top_k;
  const bool over_selected = row.weights_from == kSoftmaxOverSelected;
  if (over_selected) prepare_softmax(true, top_k);
  for (uint k = lane(); k < top_k; k += kWave) {
    const float l = logit_of(words[chosen_at + k]);
    words[weights_at + k] =
        floatBitsToUint(score_of(over_selected ? kSoftmax : row.score, l));
  }
  sync_wave();
  const bool divides = row.renormalize != kNotRenormalized;
  precise float total = 0.0;
  if (divides) {
    precise float partial[8] = float[8](0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0);
    for (uint j = 0u; j < 64u / kWave; ++j) {  // top_k is at most 64
      const uint k = j * kWave + lane();
      if (k < top_k) partial[j] = partial[j] + uintBitsToFloat(words[weights_at + k]);
    }
    total = join_partials(partial);
  }
  precise float divisor = total + row.epsilon;
  if (row.renormalize != kDivideBySum)
    divisor = total < row.epsilon ? row.epsilon : total;
  const uint dtype =
      row.weights_rounding == kRoundToActivation ? row.activation_dtype : kF32;
  for (uint k = lane(); k < top_k; k += kWave) {
    precise float weight = uintBitsToFloat(words[weights_at + k]);
    const bool can_divide = divisor > 0.0;
    if (divides) weight = exact_divide(can_divide ? weight : 1.0, can_divide ? divisor : float(top_k));
    weight = weight * row.scaling_factor;
    store_float(row.pair_weights, token * int64_t(top_k) + int64_t(k),
                finite_weight(round_to(dtype, weight), dtype));
  }
}
