// SPDX-License-Identifier: Apache-2.0
// Stage "plan": a stable counting sort of the pairs by expert, and its block-padded form. Every
// element of the eight buffers, up to their capacities, is defined afterwards.
//
// A pair p = t * K + k is skipped where t is not live, selected_ids[p] is outside [0, E) or the
// expert map sends it to no local expert.
#pragma once

#include <cstdint>
#include <string_view>

#include "kernels/param_block.hpp"
#include "switchyard/index.hpp"

namespace switchyard::kernels {

/// Pairs are counted in tiles, each by one wave: no fewer than 2048 pairs a tile, no more than 256
/// tiles.
[[nodiscard]] constexpr std::int64_t plan_tile_pairs(std::int64_t num_pairs) noexcept {
  const std::int64_t shared_out = (num_pairs + 255) / 256;
  return shared_out > 2048 ? shared_out : 2048;
}
[[nodiscard]] constexpr std::int64_t plan_tiles(std::int64_t num_pairs) noexcept {
  const std::int64_t tile = plan_tile_pairs(num_pairs);
  return num_pairs <= tile ? 1 : (num_pairs + tile - 1) / tile;
}
/// Elements of PlanParams::scratch: rows per (tile, expert), and the padded prefix sum per expert.
[[nodiscard]] constexpr std::int64_t plan_scratch_size(std::int64_t num_pairs,
                                                       std::int64_t num_experts) noexcept {
  return (plan_tiles(num_pairs) + 1) * (num_experts + 1);
}

struct PlanParams {
  ExpertId* selected_ids;           // [pair_capacity]; -1 is written beyond the live pairs
  float* pair_weights;              // [pair_capacity]; 0 is written beyond the live pairs
  const std::int32_t* expert_map;   // [E] global to local id, or null: the same
  const std::int32_t* live_tokens;  // [1], or null: all T
  PackedRow* pairs_by_token;        // [pair_capacity]
  TokenIndex* packed_token_idx;     // [pair_capacity]
  PackedRow* expert_offsets;        // [num_local_experts + 1]
  PackedRow* sorted_tokens;         // [slot_capacity]
  ExpertId* block_ids;              // [block_capacity], local ids
  std::int32_t* total_post_pad;     // [1]
  std::int32_t* scratch;            // [plan_scratch_size(T * K, num_local_experts)]
  std::int32_t num_tokens;          // T
  std::int32_t top_k;               // K
  std::int32_t num_experts;         // E, global
  std::int32_t num_local_experts;
  std::int32_t block_size;
  std::int32_t pair_capacity;   // at least T * K
  std::int32_t slot_capacity;   // at least padded_capacity(T * K, num_local_experts, block_size)
  std::int32_t block_capacity;  // at least that / block_size
};
static_assert(kIsParamBlock<PlanParams>);

struct Plan {
  using Params = PlanParams;
  static constexpr std::string_view kName = "plan";
};

}  // namespace switchyard::kernels
