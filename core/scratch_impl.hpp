// SPDX-License-Identifier: Apache-2.0
// MoeScratch<B>, for those who instantiate it over a backend.
#pragma once

#include "core/checks.hpp"
#include "switchyard/scratch.hpp"

namespace switchyard {
namespace core {

/// A region of the slab as elements of T.
template <class T>
[[nodiscard]] DeviceSpan<T> region_of(DeviceSpan<std::byte> slab, const WorkspaceRegion& where) {
  return {reinterpret_cast<T*>(slab.data() + where.offset), where.bytes / sizeof(T)};
}

}  // namespace core

template <Backend B>
MoeScratch<B>::MoeScratch(B& backend, const WorkspacePlan& plan)
    : plan_(plan), owned_(backend.template allocate<std::byte>(plan.total_bytes)) {
  slab_ = owned_->span();
}

template <Backend B>
MoeScratch<B>::MoeScratch(DeviceSpan<std::byte> slab, const WorkspacePlan& plan)
    : plan_(plan), slab_(slab) {
  core::check_slab(slab, plan);
}

template <Backend B>
DeviceRouteScratch<B> MoeScratch<B>::route(std::int64_t num_tokens) const {
  core::check_scratch_tokens(num_tokens, plan_.max_tokens);
  const std::int64_t pairs = num_tokens * plan_.config.top_k;
  const std::int64_t experts = plan_.config.local_experts();
  const auto first = [this]<class T>(const WorkspaceRegion& where, std::int64_t count, T /*tag*/) {
    return core::region_of<T>(slab_, where).first(static_cast<std::size_t>(count));
  };
  DeviceRouteScratch<B> bundle;
  bundle.selected_ids = first(plan_.selected_ids, pairs, ExpertId{});
  bundle.pair_weights = first(plan_.pair_weights, pairs, float{});
  bundle.pairs_by_token = first(plan_.pairs_by_token, pairs, PackedRow{});
  bundle.packed_token_idx = first(plan_.packed_token_idx, pairs, TokenIndex{});
  bundle.expert_offsets = first(plan_.expert_offsets, experts + 1, PackedRow{});
  bundle.sorted_tokens = first(plan_.sorted_tokens, max_slots(pairs, experts), PackedRow{});
  bundle.block_ids = first(plan_.block_ids, max_blocks(pairs, experts), ExpertId{});
  bundle.total_post_pad = first(plan_.total_post_pad, 1, std::int32_t{});
  return bundle;
}

template <Backend B>
MoeIntermediates<B> MoeScratch<B>::intermediates() const noexcept {
  MoeIntermediates<B> buffers;
  buffers.plan_scratch = core::region_of<std::int32_t>(slab_, plan_.plan_scratch);
  buffers.router_logits = core::region_of<float>(slab_, plan_.router_logits);
  buffers.activated = core::region_of<std::byte>(slab_, plan_.activated);
  buffers.expert_rows = core::region_of<std::byte>(slab_, plan_.expert_rows);
  buffers.shared_activated = core::region_of<std::byte>(slab_, plan_.shared_activated);
  buffers.shared_rows = core::region_of<std::byte>(slab_, plan_.shared_rows);
  buffers.shared_gate = core::region_of<float>(slab_, plan_.shared_gate);
  return buffers;
}

}  // namespace switchyard
