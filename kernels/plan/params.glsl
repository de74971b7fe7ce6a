// SPDX-License-Identifier: Apache-2.0
// kernels::PlanParams in GLSL.
layout(push_constant, scalar) uniform Params {
  uint64_t selected_ids;
  uint64_t pair_weights;
  uint64_t expert_map;
  uint64_t live_tokens;
  uint64_t pairs_by_token;
  uint64_t packed_token_idx;
  uint64_t expert_offsets;
  uint64_t sorted_tokens;
  uint64_t block_ids;
  uint64_t total_post_pad;
  uint64_t scratch;
  int num_tokens;
  int top_k;
  int num_experts;
  int num_local_experts;
  int block_size;
  int pair_capacity;
  int slot_capacity;
  int block_capacity;
} params;
