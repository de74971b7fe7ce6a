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

#include "kernels/route/scores.glsl"

void set_row() {
  row.logits = params.router_logits;
  row.correction_bias = params.correction_bias;
  row.pair_weights = params.pair_weights;
  row.num_experts = uint(params.num_experts);
  row.top_k = uint(params.top_k);
  row.num_groups = uint(params.num_groups);
  row.kept_groups = uint(params.kept_groups);
  row.epsilon = params.epsilon;
  row.scaling_factor = params.scaling_factor;
  row.logits_dtype = uint(params.logits_dtype);
  row.activation_dtype = uint(params.activation_dtype);
  row.score = uint(params.score);
  row.group_score = uint(params.group_score);
  row.group_fill = uint(params.group_fill);
  row.weights_from = uint(params.weights_from);
  row.renormalize = uint(params.renormalize);
  row.weights_rounding = uint(params.weights_rounding);
}

/// The arrays of the block's waves, one after the other, each starting at a multiple of 4 words.
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

void route() {
  const uint experts = uint(params.num_experts);
  if (row.score == kSoftmax) prepare_softmax(false, experts);
  for (uint e = lane(); e < experts; e += kWave)
    words[keys_at + e] = candidate_key(selection_of(logit_of(e), e));
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
  set_row();
  place_arrays();
  const int64_t live = int64_t(live_count(params.live_tokens, params.num_tokens));
  const int64_t step_size = int64_t(gl_NumWorkGroups.x) * int64_t(num_waves());
  token = int64_t(gl_WorkGroupID.x) * int64_t(num_waves()) + int64_t(wave());
  for (; token < live; token += step_size) {
    sync_wave();  // the token before this one has been read out
    route();
  }
}
