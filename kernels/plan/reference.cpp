// SPDX-License-Identifier: Apache-2.0
#include "kernels/plan/reference.hpp"

#include <algorithm>

#include "kernels/elements.hpp"

namespace switchyard::kernels::reference {
namespace {

/// The local expert of a live pair, or -1: skipped.
[[nodiscard]] std::int32_t local_expert(const PlanParams& params, std::int64_t pair) {
  const std::int32_t id = value_of(params.selected_ids[pair]);
  if (id < 0 || id >= params.num_experts) return -1;
  const std::int32_t local = params.expert_map == nullptr ? id : params.expert_map[id];
  return local < params.num_local_experts ? local : -1;
}

[[nodiscard]] std::int64_t live_pairs_of(const PlanParams& params) {
  return std::int64_t{live_count(params.live_tokens, params.num_tokens)} * params.top_k;
}

/// pairs_by_token and packed_token_idx. Uses expert_offsets as cursors and puts them back.
void place_rows(const PlanParams& params, std::int64_t live_pairs) {
  PackedRow* const offsets = params.expert_offsets;
  for (std::int64_t p = 0; p < live_pairs; ++p) {
    const std::int32_t e = local_expert(params, p);
    params.pairs_by_token[p] = kSkippedPair;
    if (e < 0) continue;
    const std::int32_t row = value_of(offsets[e]);
    params.pairs_by_token[p] = PackedRow{row};
    params.packed_token_idx[row] = TokenIndex{static_cast<std::int32_t>(p / params.top_k)};
    offsets[e] = PackedRow{row + 1};
  }
  std::copy_backward(offsets, offsets + params.num_local_experts,
                     offsets + params.num_local_experts + 1);
  offsets[0] = PackedRow{0};
}

/// sorted_tokens, block_ids and total_post_pad, tails included.
void pad_blocks(const PlanParams& params) {
  const PackedRow padding{params.num_tokens * params.top_k};
  const std::int32_t bs = params.block_size;
  std::int32_t slot = 0;
  for (std::int32_t e = 0; e < params.num_local_experts; ++e) {
    const std::int32_t end = value_of(params.expert_offsets[e + 1]);
    for (std::int32_t row = value_of(params.expert_offsets[e]); row < end; row += bs, slot += bs) {
      params.block_ids[slot / bs] = ExpertId{e};
      for (std::int32_t i = 0; i < bs; ++i)
        params.sorted_tokens[slot + i] = row + i < end ? PackedRow{row + i} : padding;
    }
  }
  std::fill(params.block_ids + slot / bs, params.block_ids + params.block_capacity, kNoExpert);
  std::fill(params.sorted_tokens + slot, params.sorted_tokens + params.slot_capacity, padding);
  *params.total_post_pad = slot;
}

}  // namespace

void count_rows(const PlanParams& params) noexcept {
  const std::int64_t live_pairs = live_pairs_of(params);
  PackedRow* const offsets = params.expert_offsets;
  std::fill_n(offsets, params.num_local_experts + 1, PackedRow{0});
  for (std::int64_t p = 0; p < live_pairs; ++p)
    if (const std::int32_t e = local_expert(params, p); e >= 0)
      offsets[e + 1] = PackedRow{value_of(offsets[e + 1]) + 1};
  for (std::int32_t e = 0; e < params.num_local_experts; ++e)
    offsets[e + 1] = PackedRow{value_of(offsets[e]) + value_of(offsets[e + 1])};
}

std::int64_t num_tasks(const PlanParams& /*params*/) noexcept {
  return 1;
}

void run(const PlanParams& params, std::int64_t first, std::int64_t last) noexcept {
  if (first >= last) return;
  const std::int64_t live_pairs = live_pairs_of(params);
  std::fill(params.selected_ids + live_pairs, params.selected_ids + params.pair_capacity,
            kNoExpert);
  std::fill(params.pair_weights + live_pairs, params.pair_weights + params.pair_capacity, 0.0F);
  std::fill(params.pairs_by_token + live_pairs, params.pairs_by_token + params.pair_capacity,
            kSkippedPair);
  count_rows(params);
  place_rows(params, live_pairs);
  const std::int32_t rows = value_of(params.expert_offsets[params.num_local_experts]);
  std::fill(params.packed_token_idx + rows, params.packed_token_idx + params.pair_capacity,
            kNoToken);
  pad_blocks(params);
}

}  // namespace switchyard::kernels::reference
