// SPDX-License-Identifier: Apache-2.0
#include "switchyard/workspace.hpp"

#include <algorithm>

#include "core/checks.hpp"
#include "kernels/route_plan/params.hpp"

namespace switchyard {
namespace {

[[nodiscard]] constexpr std::int64_t round_up(std::int64_t value, std::int64_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

/// Whether padding of `padding` slots behind `rows` rows is at most 30 %.
[[nodiscard]] constexpr bool little_padding(std::int64_t padding, std::int64_t rows) {
  return 10 * padding <= 3 * rows;
}

/// Hands out the slab from its start.
class Layout {
 public:
  WorkspaceRegion take(std::int64_t elements, std::size_t element_bytes) {
    const WorkspaceRegion region{end_, static_cast<std::size_t>(elements) * element_bytes};
    constexpr std::size_t kMask = WorkspacePlan::kAlignment - 1;
    end_ = (end_ + region.bytes + kMask) & ~kMask;
    return region;
  }
  [[nodiscard]] std::size_t end() const noexcept { return end_; }

 private:
  std::size_t end_ = 0;
};

}  // namespace

std::int64_t padded_capacity(std::int64_t num_pairs, std::int64_t num_experts,
                             std::int64_t block_size) noexcept {
  return round_up(num_pairs + std::min(num_pairs, num_experts) * (block_size - 1), block_size);
}

std::int64_t max_slots(std::int64_t num_pairs, std::int64_t num_experts) noexcept {
  std::int64_t slots = 0;
  for (const std::int32_t bs : kBlockSizes)
    slots = std::max(slots, padded_capacity(num_pairs, num_experts, bs));
  return slots;
}

std::int64_t max_blocks(std::int64_t num_pairs, std::int64_t num_experts) noexcept {
  std::int64_t blocks = 0;
  for (const std::int32_t bs : kBlockSizes)
    blocks = std::max(blocks, padded_capacity(num_pairs, num_experts, bs) / bs);
  return blocks;
}

std::int32_t choose_block_size(std::span<const PackedRow> expert_offsets) noexcept {
  const std::int64_t total = expert_offsets.empty() ? 0 : value_of(expert_offsets.back());
  for (auto bs = kBlockSizes.rbegin(); bs + 1 != kBlockSizes.rend(); ++bs) {
    std::int64_t padding = 0;
    for (std::size_t e = 1; e < expert_offsets.size(); ++e) {
      const std::int64_t rows = value_of(expert_offsets[e]) - value_of(expert_offsets[e - 1]);
      padding += round_up(rows, *bs) - rows;
    }
    if (total > 0 && little_padding(padding, total)) return *bs;
  }
  return kBlockSizes.front();
}

std::int32_t choose_block_size(std::int64_t num_pairs, std::int64_t num_experts) noexcept {
  if (num_pairs <= 0 || num_experts <= 0) return kBlockSizes.front();
  for (auto bs = kBlockSizes.rbegin(); bs + 1 != kBlockSizes.rend(); ++bs) {
    // Rows of an evenly loaded expert end anywhere in their last block: half a block on average.
    const std::int64_t padding = std::min(num_pairs, num_experts) * (*bs - 1) / 2;
    if (little_padding(padding, num_pairs)) return *bs;
  }
  return kBlockSizes.front();
}

WorkspacePlan plan_workspace(const LayerConfig& config, std::int64_t max_tokens) {
  validate(config);
  core::check_max_tokens(max_tokens);
  const std::int64_t pairs = max_tokens * config.top_k;
  const std::int64_t experts = config.local_experts();
  const std::int64_t shared = config.shared_expert.intermediate_size;
  const std::size_t element = size_of(config.activation_dtype);

  WorkspacePlan plan;
  plan.config = config;
  plan.max_tokens = max_tokens;
  Layout layout;
  plan.selected_ids = layout.take(pairs, 4);
  plan.pair_weights = layout.take(pairs, 4);
  plan.pairs_by_token = layout.take(pairs, 4);
  plan.packed_token_idx = layout.take(pairs, 4);
  plan.expert_offsets = layout.take(experts + 1, 4);
  plan.sorted_tokens = layout.take(max_slots(pairs, experts), 4);
  plan.block_ids = layout.take(max_blocks(pairs, experts), 4);
  plan.total_post_pad = layout.take(1, 4);
  plan.plan_scratch =
      layout.take(kernels::planning_scratch_size(max_tokens, config.top_k, experts), 4);
  plan.router_logits = layout.take(max_tokens * config.num_experts, 4);
  plan.activated = layout.take(pairs * config.intermediate_size, element);
  plan.expert_rows = layout.take(pairs * config.hidden_size, element);
  plan.shared_activated = layout.take(max_tokens * shared, element);
  plan.shared_rows = layout.take(shared == 0 ? 0 : max_tokens * config.hidden_size, element);
  plan.shared_gate = layout.take(config.shared_expert.gated ? max_tokens : 0, 4);
  plan.total_bytes = layout.end();
  return plan;
}

}  // namespace switchyard
