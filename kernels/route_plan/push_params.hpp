// SPDX-License-Identifier: Apache-2.0
// The parameter blocks of stage "route_plan" where a launch is handed push constants: each launch
// gets what it reads of RoutePlanParams. scan_tiles and place_tile read PlanParams.
#pragma once

#include <algorithm>
#include <cstdint>

#include "kernels/param_block.hpp"
#include "kernels/route_plan/params.hpp"

namespace switchyard::kernels {

/// The recipe's choices, two bits each.
[[nodiscard]] constexpr std::uint16_t packed_recipe(const RouteParams& params) noexcept {
  std::uint32_t bits = 0;
  int at = 0;
  const auto put = [&bits, &at](auto choice) {
    bits |= static_cast<std::uint32_t>(choice) << at;
    at += 2;
  };
  put(params.logits_dtype);
  put(params.activation_dtype);
  put(params.score);
  put(params.group_score);
  put(params.group_fill);
  put(params.weights_from);
  put(params.renormalize);
  put(params.weights_rounding);
  return static_cast<std::uint16_t>(bits);
}

/// Of route_tile.comp. The members up to `given` are also the first of RoutePlanBlockParams.
struct RouteTileParams {
  const void* logits_or_ids;        // [T, E] logits, or [T, K] where given
  const float* bias_or_weights;     // [E] correction bias or null, or [T, K] where given
  const std::int32_t* live_tokens;  // [1], or null: all T
  const std::int32_t* expert_map;   // [E], or null
  ExpertId* selected_ids;           // [T, K]
  float* pair_weights;              // [T, K]
  PackedRow* pairs_by_token;        // [T, K]
  float epsilon;
  float scaling_factor;
  std::uint32_t experts;         // num_experts | num_local_experts << 16
  std::uint8_t last_group;       // num_groups - 1
  std::uint8_t last_kept_group;  // kept_groups - 1
  std::uint8_t top_k;
  std::uint8_t tile_tokens;
  std::uint8_t recipe_low;  // packed_recipe
  std::uint8_t recipe_high;
  std::uint8_t block_bits;  // block_size is 1 << block_bits
  std::uint8_t given;       // 1: the caller chose
  std::int32_t num_tokens;  // T
  std::int32_t* counts;     // [tiles, count_words(num_local_experts)]
};
static_assert(kIsParamBlock<RouteTileParams>);

/// Of route_plan_block.comp.
struct RoutePlanBlockParams {
  const void* logits_or_ids;
  const float* bias_or_weights;
  const std::int32_t* live_tokens;
  const std::int32_t* expert_map;
  ExpertId* selected_ids;
  float* pair_weights;
  PackedRow* pairs_by_token;
  float epsilon;
  float scaling_factor;
  std::uint32_t experts;
  std::uint8_t last_group;
  std::uint8_t last_kept_group;
  std::uint8_t top_k;
  std::uint8_t tile_tokens;  // T
  std::uint8_t recipe_low;
  std::uint8_t recipe_high;
  std::uint8_t block_bits;
  std::uint8_t given;
  std::int32_t pair_capacity;
  TokenIndex* packed_token_idx;
  PackedRow* expert_offsets;
  PackedRow* sorted_tokens;
  ExpertId* block_ids;
  std::int32_t* total_post_pad;
  std::int32_t slot_capacity;
  std::int32_t block_capacity;
};
static_assert(kIsParamBlock<RoutePlanBlockParams>);

/// Fills the members that both blocks have.
template <class Block>
void fill_tile_members(Block& block, const RoutePlanParams& params, std::int32_t tile_tokens,
                       int block_bits) noexcept {
  const RouteParams& route = params.route;
  const PlanParams& plan = params.plan;
  const bool given = params.given_ids != nullptr;
  block.logits_or_ids = given ? params.given_ids : route.router_logits;
  block.bias_or_weights = given ? params.given_weights : route.correction_bias;
  block.live_tokens = plan.live_tokens;
  block.expert_map = plan.expert_map;
  block.selected_ids = plan.selected_ids;
  block.pair_weights = plan.pair_weights;
  block.pairs_by_token = plan.pairs_by_token;
  block.epsilon = route.epsilon;
  block.scaling_factor = route.scaling_factor;
  block.experts = static_cast<std::uint32_t>(plan.num_experts) |
                  static_cast<std::uint32_t>(plan.num_local_experts) << 16U;
  block.last_group = static_cast<std::uint8_t>(std::max(route.num_groups, 1) - 1);
  block.last_kept_group = static_cast<std::uint8_t>(std::max(route.kept_groups, 1) - 1);
  block.top_k = static_cast<std::uint8_t>(plan.top_k);
  block.tile_tokens = static_cast<std::uint8_t>(tile_tokens);
  block.recipe_low = static_cast<std::uint8_t>(packed_recipe(route) & 0xffU);
  block.recipe_high = static_cast<std::uint8_t>(packed_recipe(route) >> 8U);
  block.block_bits = static_cast<std::uint8_t>(block_bits);
  block.given = given ? 1 : 0;
}

}  // namespace switchyard::kernels
