// SPDX-License-Identifier: Apache-2.0
// Routing and planning on the host, with the reference bodies of the two stages.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "core/stage_params.hpp"
#include "switchyard/index.hpp"

namespace switchyard::core {

/// A plan in host memory: the eight buffers and what they are made from.
struct HostPlan {
  std::vector<std::byte> logits;          // [T, E] as the device has them
  std::vector<std::int32_t> live_tokens;  // [1]
  std::vector<ExpertId> selected_ids;
  std::vector<float> pair_weights;
  std::vector<PackedRow> pairs_by_token;
  std::vector<TokenIndex> packed_token_idx;
  std::vector<PackedRow> expert_offsets;
  std::vector<PackedRow> sorted_tokens;
  std::vector<ExpertId> block_ids;
  std::vector<std::int32_t> total_post_pad;

  /// Allocates for calls of up to max_tokens tokens.
  SWITCHYARD_API void reserve(const LayerConfig& config, std::int64_t max_tokens);

  /// As many elements as the device's buffers. Allocates only where it never held that many.
  SWITCHYARD_API void resize(const RouteBuffers& route);
};

/// What routing on the host needs of a layer's weights.
struct HostRouter {
  std::vector<float> correction_bias;    // [E], or empty
  std::vector<std::int32_t> expert_map;  // [E], or empty
};

/// Copies it from checked weights.
[[nodiscard]] SWITCHYARD_API HostRouter host_router(const HostMoeWeights& weights);

/// Fills `plan` from its logits (or, where the caller brought ids, from its ids and weights),
/// bit-equal to the device path's. Returns the block size used: the fixed one, or where there is
/// none choose_block_size of the experts' load.
SWITCHYARD_API std::int32_t build_plan(const StageContext& call, const HostRouter& router,
                                       std::optional<std::int32_t> fixed_block_size,
                                       HostPlan& plan);

/// A workspace of the eight plan buffers alone.
[[nodiscard]] SWITCHYARD_API WorkspacePlan plan_route_buffers(const LayerConfig& config,
                                                              std::int64_t max_tokens);

}  // namespace switchyard::core
