#version 460
// SPDX-License-Identifier: Apache-2.0
// The GLSL body of stage "route", as kernels/route/simt.hpp: one wave per token. The K best of the
// candidate keys in shared memory are drawn one by one, each by a reduction over the wave.
#extension GL_GOOGLE_include_directive : require
#include "kernels/glsl/memory.glsl"
#include "kernels/glsl/elements.glsl"
#include "kernels/glsl/math.glsl"
#include "kernels/glsl/wave.glsl"

layout(push_constant, scalar) uniform Params {
  uint64_t router_logits;
  uint64_t correction_bias;
  uint64_t live_tokens;
  uint64_t selected_ids;
  uint64_t pair_weights;
  int num_tokens;
  int num_experts;
  int top_k;
  int num_groups;
  int kept_groups;
  float epsilon;
  float scaling_factor;
  uint8_t logits_dtype;
  uint8_t activation_dtype;
  uint8_t score;
  uint8_t group_score;
  uint8_t group_fill;
  uint8_t weights_from;
  uint8_t renormalize;
  uint8_t weights_rounding;
} params;

const uint kMaxTopK = 64u;
// switchyard/router.hpp
const uint kSoftmax = 0u;
const uint kIdentity = 2u;
const uint kBestOfGroup = 1u;
const uint kFillZero = 1u;
const uint kSoftmaxOverSelected = 1u;
const uint kNotRenormalized = 0u;
const uint kDivideBySum = 1u;

// The arrays of the block's waves, one after the other, each starting at a multiple of 4 words:
// keys [E] (0: taken), groups [num_groups] (0: kept), chosen [K], weights [K].
shared uint words[kSharedWords];

uint keys_at;
uint groups_at;
uint chosen_at;
uint weights_at;
int64_t token;
float best;  // of the row's logits, as softmax uses it
float sum;   // of the row's exponentials

void place_arrays() {
  const uint keys = num_waves() * uint(params.num_experts);
  const uint groups = num_waves() * uint(params.num_groups);
  const uint groups_start = (keys + 3u) & ~3u;
  const uint chosen_start = groups_start + ((groups + 3u) & ~3u);
  keys_at = wave() * uint(params.num_experts);
  groups_at = groups_start + wave() * uint(params.num_groups);
  chosen_at = chosen_start + wave() * kMaxTopK;
  weights_at = chosen_start + num_waves() * kMaxTopK + wave() * kMaxTopK;
}

uint candidate_key(float selection) { return order_key(selection) + 1u; }

/// Candidates are (key, id); key 0 is none.
bool better(uvec2 a, uvec2 b) { return a.x > b.x || (a.x == b.x && a.y < b.y); }

float logit_of(uint e) {
  return load_element(uint(params.logits_dtype), params.router_logits,
                      token * int64_t(params.num_experts) + int64_t(e));
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

/// Sets best and sum for the softmax over `count` logits.
void prepare_softmax(bool over_selected, uint count) {
  float top = minus_infinity();
  for (uint i = lane(); i < count; i += kWave) {
    const float l = score_input(softmax_logit(over_selected, i));
    top = l > top ? l : top;
  }
  for (uint width = kWave / 2u; width > 0u; width /= 2u) {
    const float other = subgroupShuffleXor(top, width);
    top = other > top ? other : top;
  }
  best = top;
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

float selection_of(uint e) {
  const float l = logit_of(e);
  if (is_nan(l) || (params.correction_bias == 0ul && params.num_groups == 1)) return l;
  const float score = score_of(uint(params.score), l);
  if (params.correction_bias == 0ul) return score;
  precise float biased = score + load_float(params.correction_bias, int64_t(e));
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
  const uint members = uint(params.group_score) == kBestOfGroup || width == 1u ? 1u : 2u;
  precise float total = 0.0;
  [[dont_unroll]] for (uint i = 0u; i < members; ++i) {
    const float member = selection_of(i == 0u ? first.y : second.y);
    precise float with_member = total + member;
    total = i == 0u ? member : with_member;
  }
  return total;
}

/// The best candidate among `count` keys, whose key becomes 0.
uint take_best(uint keys, uint count) {
  uvec2 winner = uvec2(0u);
  for (uint i = lane(); i < count; i += kWave) {
    const uvec2 own = uvec2(words[keys + i], i);
    if (better(own, winner)) winner = own;
  }
  for (uint width = kWave / 2u; width > 0u; width /= 2u) {
    const uvec2 other = subgroupShuffleXor(winner, width);
    if (better(other, winner)) winner = other;
  }
  if (winner.y % kWave == lane()) words[keys + winner.y] = 0u;
  sync_wave();
  return winner.y;
}

/// Keeps the best groups; the experts of the others get the fill as their selection.
void drop_groups() {
  const uint num_groups = uint(params.num_groups);
  const uint experts = uint(params.num_experts);
  const uint width = experts / num_groups;
  for (uint g = lane(); g < num_groups; g += kWave)
    words[groups_at + g] = candidate_key(group_selection(g, width));
  sync_wave();
  for (int kept = 0; kept < params.kept_groups; ++kept) take_best(groups_at, num_groups);
  const uint fill =
      candidate_key(uint(params.group_fill) == kFillZero ? 0.0 : minus_infinity());
  for (uint e = lane(); e < experts; e += kWave)
    if (words[groups_at + e / width] != 0u && !is_nan(logit_of(e))) words[keys_at + e] = fill;
  sync_wave();
}

void weigh() {
  const uint top_k = uint(params.top_k);
  const bool over_selected = uint(params.weights_from) == kSoftmaxOverSelected;
  if (over_selected) prepare_softmax(true, top_k);
  for (uint k = lane(); k < top_k; k += kWave) {
    const float l = logit_of(words[chosen_at + k]);
    words[weights_at + k] =
        floatBitsToUint(score_of(over_selected ? kSoftmax : uint(params.score), l));
  }
  sync_wave();
  const bool divides = uint(params.renormalize) != kNotRenormalized;
  precise float total = 0.0;
  if (divides) {
    precise float partial[8] = float[8](0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0);
    for (uint j = 0u; j < 64u / kWave; ++j) {  // top_k is at most 64
      const uint k = j * kWave + lane();
      if (k < top_k) partial[j] = partial[j] + uintBitsToFloat(words[weights_at + k]);
    }
    total = join_partials(partial);
  }
  precise float divisor = total + params.epsilon;
  if (uint(params.renormalize) != kDivideBySum)
    divisor = total < params.epsilon ? params.epsilon : total;
  const uint dtype =
      uint(params.weights_rounding) == kRoundToActivation ? uint(params.activation_dtype) : kF32;
  for (uint k = lane(); k < top_k; k += kWave) {
    precise float weight = uintBitsToFloat(words[weights_at + k]);
    const bool can_divide = divisor > 0.0;
    if (divides) weight = exact_divide(can_divide ? weight : 1.0, can_divide ? divisor : float(top_k));
    weight = weight * params.scaling_factor;
    store_float(params.pair_weights, token * int64_t(top_k) + int64_t(k),
                finite_weight(round_to(dtype, weight), dtype));
  }
}

void route() {
  const uint experts = uint(params.num_experts);
  if (uint(params.score) == kSoftmax) prepare_softmax(false, experts);
  for (uint e = lane(); e < experts; e += kWave)
    words[keys_at + e] = candidate_key(selection_of(e));
  sync_wave();
  if (params.num_groups > 1) drop_groups();
  for (uint k = 0u; k < uint(params.top_k); ++k) {
    const uint id = take_best(keys_at, experts);
    if (lane() == 0u) {
      words[chosen_at + k] = id;
      store_int(params.selected_ids, token * int64_t(params.top_k) + int64_t(k), int(id));
    }
  }
  sync_wave();
  weigh();
}

void main() {
  place_arrays();
  const int64_t live = int64_t(live_count(params.live_tokens, params.num_tokens));
  const int64_t step_size = int64_t(gl_NumWorkGroups.x) * int64_t(num_waves());
  token = int64_t(gl_WorkGroupID.x) * int64_t(num_waves()) + int64_t(wave());
  for (; token < live; token += step_size) {
    sync_wave();  // the token before this one has been read out
    route();
  }
}
