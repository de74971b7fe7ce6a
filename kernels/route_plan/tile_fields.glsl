// SPDX-License-Identifier: Apache-2.0
// Members that bodies which route a tile have in common: kernels::RouteTileParams.
  uint64_t logits_or_ids;
  uint64_t bias_or_weights;
  uint64_t live_tokens;
  uint64_t expert_map;
  uint64_t selected_ids;
  uint64_t pair_weights;
  uint64_t pairs_by_token;
  float epsilon;
  float scaling_factor;
  uint experts;
  uint8_t last_group;
  uint8_t last_kept_group;
  uint8_t top_k;
  uint8_t tile_tokens;
  uint8_t recipe_low;
  uint8_t recipe_high;
  uint8_t block_bits;
  uint8_t given;
