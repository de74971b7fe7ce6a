// SPDX-License-Identifier: Apache-2.0
/// \file
/// Pre-allocated device buffers of a forward: the bundle a call is handed, and its owner.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "switchyard/backend.hpp"
#include "switchyard/index.hpp"
#include "switchyard/workspace.hpp"

namespace switchyard {

/// The eight buffers of a plan, borrowed. T tokens, K top_k, E local experts, bs block size, P =
/// T*K.
///
/// After the plan stage every element of every span is defined, also those beyond the extents of
/// the call: spans may be longer than the call needs (they are filled), never shorter.
struct RouteBuffers {
  DeviceSpan<ExpertId> selected_ids;     ///< [P] expert of pair p, best first; not live: -1
  DeviceSpan<float> pair_weights;        ///< [P] combine weight of pair p; not live: 0
  DeviceSpan<PackedRow> pairs_by_token;  ///< [P] packed row of pair p; -1: the pair is skipped
  DeviceSpan<TokenIndex>
      packed_token_idx;                  ///< [P] token of packed row r; -1 from expert_offsets[E]
  DeviceSpan<PackedRow> expert_offsets;  ///< [E+1] exclusive prefix sum of rows per expert
  DeviceSpan<PackedRow> sorted_tokens;   ///< [cap] packed row of each slot; P in padding slots
  DeviceSpan<ExpertId> block_ids;        ///< [cap/bs] expert of each block; -1 beyond the last
  DeviceSpan<std::int32_t> total_post_pad;  ///< [1] slots in use after padding, a multiple of bs

  bool operator==(const RouteBuffers&) const = default;
};

/// The bundle that a call on backend B is handed. Pass it and routing stays on the device; pass
/// none and the host mediates.
template <Backend B>
struct DeviceRouteScratch : RouteBuffers {};

/// A plan in device memory: what route() leaves and run_experts() takes.
template <Backend B>
struct RoutePlan {
  DeviceRouteScratch<B> buffers;
  std::int32_t block_size = 0;  ///< Of sorted_tokens and block_ids, one of kBlockSizes.
};

/// What the stages hand to each other beside the plan, borrowed. Regions as in WorkspacePlan.
struct IntermediateBuffers {
  DeviceSpan<std::int32_t> plan_scratch;   ///< Counts of the plan stage
  DeviceSpan<float> router_logits;         ///< [T, E]
  DeviceSpan<std::byte> activated;         ///< [P, I]
  DeviceSpan<std::byte> expert_rows;       ///< [P, H]
  DeviceSpan<std::byte> shared_activated;  ///< [T, I_shared]
  DeviceSpan<std::byte> shared_rows;       ///< [T, H]
  DeviceSpan<float> shared_gate;           ///< [T, 1]

  bool operator==(const IntermediateBuffers&) const = default;
};

/// The intermediates of a call on backend B.
template <Backend B>
struct MoeIntermediates : IntermediateBuffers {};

/// Owns, or borrows as one slab, everything that forwards of at most max_tokens tokens need. One
/// slab serves one forward at a time; forwards on one stream may follow each other without waiting.
/// Contents carry nothing from one call to the next.
template <Backend B>
class MoeScratch {
 public:
  /// Allocates plan.total_bytes on the backend's device. Throws Error{out_of_memory}.
  MoeScratch(B& backend, const WorkspacePlan& plan);

  /// Borrows the caller's memory. Throws Error{invalid_argument} where it is smaller than
  /// plan.total_bytes or not aligned to WorkspacePlan::kAlignment.
  MoeScratch(DeviceSpan<std::byte> slab, const WorkspacePlan& plan);

  [[nodiscard]] const WorkspacePlan& plan() const noexcept { return plan_; }
  [[nodiscard]] std::int64_t max_tokens() const noexcept { return plan_.max_tokens; }

  /// The bundle, cut to the extents of a call with num_tokens tokens in [0, max_tokens]. The same
  /// addresses for every num_tokens. Throws Error{capacity_exceeded}.
  [[nodiscard]] DeviceRouteScratch<B> route(std::int64_t num_tokens) const;

  /// The intermediates, in full.
  [[nodiscard]] MoeIntermediates<B> intermediates() const noexcept;

 private:
  WorkspacePlan plan_;
  std::optional<typename B::template Buffer<std::byte>> owned_;
  DeviceSpan<std::byte> slab_;
};

}  // namespace switchyard
