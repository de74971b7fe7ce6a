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
