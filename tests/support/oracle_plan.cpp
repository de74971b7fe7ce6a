// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <numeric>
#include <utility>

#include "support/oracle.hpp"

namespace switchyard::test::oracle {

Plan plan(std::span<const std::int32_t> ids, std::span<const std::int32_t> expert_map,
          std::size_t top_k, std::size_t num_experts, std::int32_t block_size,
          const PlanExtents& extents) {
  std::vector<std::pair<std::int32_t, std::int32_t>> rows;  // (local expert, pair)
  const auto known =
      static_cast<std::int32_t>(expert_map.empty() ? num_experts : expert_map.size());
  for (std::size_t p = 0; p < ids.size(); ++p) {
    if (ids[p] < 0 || ids[p] >= known) continue;
    const auto local = expert_map.empty() ? ids[p] : expert_map[static_cast<std::size_t>(ids[p])];
    if (local >= 0) rows.emplace_back(local, static_cast<std::int32_t>(p));
  }
  std::sort(rows.begin(), rows.end());

  Plan plan;
  plan.selected_ids.assign(ids.begin(), ids.end());
  plan.selected_ids.resize(extents.pairs, -1);
  plan.pairs_by_token.assign(extents.pairs, -1);
  plan.packed_token_idx.assign(extents.pairs, -1);
  plan.expert_offsets.assign(num_experts + 1, 0);
  plan.sorted_tokens.assign(extents.slots, static_cast<std::int32_t>(ids.size()));
  plan.block_ids.assign(extents.blocks, -1);
  std::size_t slot = 0;
  const auto block = static_cast<std::size_t>(block_size);
  for (std::size_t r = 0; r < rows.size(); ++r) {
    const auto [expert, pair] = rows[r];
    const auto p = static_cast<std::size_t>(pair);
    plan.pairs_by_token[p] = static_cast<std::int32_t>(r);
    plan.packed_token_idx[r] = static_cast<std::int32_t>(p / top_k);
    ++plan.expert_offsets[static_cast<std::size_t>(expert) + 1];
    if (r > 0 && rows[r - 1].first != expert) slot = (slot + block - 1) / block * block;
    plan.sorted_tokens.at(slot) = static_cast<std::int32_t>(r);
    plan.block_ids.at(slot / block) = expert;
    ++slot;
  }
  std::partial_sum(plan.expert_offsets.begin(), plan.expert_offsets.end(),
                   plan.expert_offsets.begin());
  plan.total_post_pad = static_cast<std::int32_t>((slot + block - 1) / block * block);
  return plan;
}

}  // namespace switchyard::test::oracle
