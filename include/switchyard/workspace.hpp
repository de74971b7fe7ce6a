// SPDX-License-Identifier: Apache-2.0
/// \file
/// How much memory a layer's calls need, and where in it each buffer lies. Pure functions.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "switchyard/export.hpp"
#include "switchyard/index.hpp"
#include "switchyard/layer_config.hpp"

namespace switchyard {

/// The block sizes of sorted_tokens, smallest first.
inline constexpr std::array<std::int32_t, 3> kBlockSizes{16, 32, 64};

/// Slots of the block-padded order that `num_pairs` pairs over `num_experts` experts can need:
/// round_up(P + min(P, E) * (bs - 1), bs).
[[nodiscard]] SWITCHYARD_API std::int64_t padded_capacity(std::int64_t num_pairs,
                                                          std::int64_t num_experts,
                                                          std::int64_t block_size) noexcept;

/// Elements of sorted_tokens and of block_ids that are enough at every block size.
[[nodiscard]] SWITCHYARD_API std::int64_t max_slots(std::int64_t num_pairs,
                                                    std::int64_t num_experts) noexcept;
[[nodiscard]] SWITCHYARD_API std::int64_t max_blocks(std::int64_t num_pairs,
                                                     std::int64_t num_experts) noexcept;

/// Block size where the load of the experts is known: the largest whose padding is at most 30 % of
/// the rows, else 16. `expert_offsets` is the exclusive prefix sum, [E+1].
[[nodiscard]] SWITCHYARD_API std::int32_t choose_block_size(
    std::span<const PackedRow> expert_offsets) noexcept;

/// Block size where only the extents are known: the largest at which evenly loaded experts, each
/// with half a block of padding, pad at most 30 % of the rows, else 16.
[[nodiscard]] SWITCHYARD_API std::int32_t choose_block_size(std::int64_t num_pairs,
                                                            std::int64_t num_experts) noexcept;

/// A buffer's place in the slab, in bytes. Offsets are multiples of WorkspacePlan::kAlignment.
struct WorkspaceRegion {
  std::size_t offset = 0;
  std::size_t bytes = 0;
};

/// The slab of a layer's calls with at most max_tokens tokens: the eight plan buffers, then the
/// intermediates. T_max = max_tokens, P_max = T_max * K, E = local experts.
struct WorkspacePlan {
  static constexpr std::size_t kAlignment = 256;

  LayerConfig config;
  std::int64_t max_tokens = 0;

  WorkspaceRegion selected_ids;      ///< i32 [P_max]
  WorkspaceRegion pair_weights;      ///< f32 [P_max]
  WorkspaceRegion pairs_by_token;    ///< i32 [P_max]
  WorkspaceRegion packed_token_idx;  ///< i32 [P_max]
  WorkspaceRegion expert_offsets;    ///< i32 [E + 1]
  WorkspaceRegion sorted_tokens;     ///< i32 [max_slots]
  WorkspaceRegion block_ids;         ///< i32 [max_blocks]
  WorkspaceRegion total_post_pad;    ///< i32 [1]

  WorkspaceRegion plan_scratch;      ///< i32, counts of the plan stage
  WorkspaceRegion router_logits;     ///< f32 [T_max, E_global], for logits that the layer computes
  WorkspaceRegion activated;         ///< activation dtype [P_max, I]
  WorkspaceRegion expert_rows;       ///< activation dtype [P_max, H]
  WorkspaceRegion shared_activated;  ///< activation dtype [T_max, I_shared]
  WorkspaceRegion shared_rows;       ///< activation dtype [T_max, H]
  WorkspaceRegion shared_gate;       ///< f32 [T_max, 1]

  std::size_t total_bytes = 0;  ///< Size of the slab, exact.
};

/// Plans the slab. Throws Error{invalid_argument} for a bad config or max_tokens outside
/// [0, limits::kMaxTokens].
[[nodiscard]] SWITCHYARD_API WorkspacePlan plan_workspace(const LayerConfig& config,
                                                          std::int64_t max_tokens);

}  // namespace switchyard
