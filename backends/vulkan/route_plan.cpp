// SPDX-License-Identifier: Apache-2.0
#include "backends/vulkan/route_plan.hpp"

#include <algorithm>
#include <limits>

namespace switchyard::vulkan {
namespace {

using kernels::PlanParams;
using kernels::RoutePlanParams;
using kernels::simt::bits_for;
using kernels::simt::ceil_div;
using kernels::simt::kMaxThreads;
using kernels::simt::LaunchShape;

/// Experts of a lane, at most.
constexpr std::int32_t kMaxPerLane = 16;

/// What shared memory depends on.
struct RouterExtents {
  std::int64_t tile_tokens;
  std::int64_t top_k;
  std::int64_t experts;
  std::int64_t local_experts;
  std::int64_t groups;
};

/// kernels/route_plan/tile_router.glsl, place_router_arrays.
[[nodiscard]] std::int64_t router_words(const RouterExtents& of, std::int64_t waves) noexcept {
  const std::int64_t grouped = of.groups > 1 ? of.experts + of.groups : 0;
  return 2 * of.tile_tokens * of.top_k + waves * (of.local_experts + of.top_k + grouped);
}

/// kernels/route_plan/placer.glsl.
[[nodiscard]] std::int64_t placer_words(std::int64_t local_experts) noexcept {
  return 2 * (local_experts + 1);
}

/// place_tile.comp.
[[nodiscard]] std::int64_t place_tile_words(std::int64_t local_experts,
                                            std::int64_t threads) noexcept {
  const std::int64_t words = kernels::count_words(static_cast<std::int32_t>(local_experts));
  const std::int64_t sharers = std::max<std::int64_t>(threads / words, 1);
  return placer_words(local_experts) + local_experts + 4 * words * sharers;
}

[[nodiscard]] RouterExtents extents_of(const RoutePlanParams& params) noexcept {
  return {kernels::tile_tokens(params.plan.num_tokens, params.plan.top_k), params.plan.top_k,
          params.plan.num_experts, params.plan.num_local_experts, params.route.num_groups};
}

[[nodiscard]] std::size_t bytes_of(std::int64_t words) noexcept {
  return 4 * static_cast<std::size_t>(words);
}

/// Blocks of as many waves as shared memory allows, where they need words(waves).
template <class Words>
[[nodiscard]] LaunchShape shape_of(std::int64_t blocks, const RouterDevice& device, Words words) {
  std::int32_t waves = kMaxThreads / device.wave_size;
  while (waves > 1 && bytes_of(words(waves)) > device.shared_bytes) waves /= 2;
  return {blocks, waves * device.wave_size, bytes_of(words(waves))};
}

/// 4, 8 or 16: of each there is a pipeline.
[[nodiscard]] std::int32_t per_lane(const RoutePlanParams& params,
                                    const RouterDevice& device) noexcept {
  std::int32_t count = 4;
  while (std::int64_t{count} * device.wave_size < params.plan.num_experts) count *= 2;
  return count;
}

[[nodiscard]] std::int64_t num_tiles(const RoutePlanParams& params) noexcept {
  return kernels::route_plan_tiles(params.plan.num_tokens, params.plan.top_k);
}

}  // namespace

bool runs_route_plan(const ForwardCall& call, const RouterDevice& device) noexcept {
  const LayerConfig& config = call.config;
  if (config.num_experts > std::int64_t{kMaxPerLane} * device.wave_size) return false;
  const auto tokens = static_cast<std::int32_t>(call.num_tokens);
  const RouterExtents extents{kernels::tile_tokens(tokens, static_cast<std::int32_t>(config.top_k)),
                              config.top_k, config.num_experts, config.num_experts,
                              config.router.num_groups};
  const std::int64_t words = std::max(router_words(extents, 1) + placer_words(config.num_experts),
                                      place_tile_words(config.num_experts, device.wave_size));
  return bytes_of(words) <= device.shared_bytes;
}

bool is_one_block(const RoutePlanParams& params) noexcept {
  return num_tiles(params) == 1;
}

BodyLaunch route_plan_block_launch(const RoutePlanParams& params,
                                   const RouterDevice& device) noexcept {
  const RouterExtents extents = extents_of(params);
  const auto words = [&extents](std::int64_t waves) {
    return router_words(extents, waves) + placer_words(extents.local_experts);
  };
  return {"route_plan_block", shape_of(1, device, words), per_lane(params, device)};
}

kernels::RoutePlanBlockParams route_plan_block_params(const RoutePlanParams& params) noexcept {
  const PlanParams& plan = params.plan;
  kernels::RoutePlanBlockParams block{};
  kernels::fill_tile_members(block, params, plan.num_tokens, bits_for(plan.block_size));
  block.packed_token_idx = plan.packed_token_idx;
  block.expert_offsets = plan.expert_offsets;
  block.sorted_tokens = plan.sorted_tokens;
  block.block_ids = plan.block_ids;
  block.total_post_pad = plan.total_post_pad;
  block.pair_capacity = plan.pair_capacity;
  block.slot_capacity = plan.slot_capacity;
  block.block_capacity = plan.block_capacity;
  return block;
}

BodyLaunch route_tile_launch(const RoutePlanParams& params, const RouterDevice& device) noexcept {
  const RouterExtents extents = extents_of(params);
  const auto words = [&extents](std::int64_t waves) { return router_words(extents, waves); };
  return {"route_tile", shape_of(num_tiles(params), device, words), per_lane(params, device)};
}

kernels::RouteTileParams route_tile_params(const RoutePlanParams& params) noexcept {
  const PlanParams& plan = params.plan;
  kernels::RouteTileParams block{};
  kernels::fill_tile_members(block, params, kernels::tile_tokens(plan.num_tokens, plan.top_k),
                             bits_for(plan.block_size));
  block.counts = plan.scratch;
  block.num_tokens = plan.num_tokens;
  return block;
}

BodyLaunch scan_tiles_launch(const RoutePlanParams& params, const RouterDevice& device) noexcept {
  const bool many = num_tiles(params) > kernels::kFewTiles;
  const std::int64_t waves = kMaxThreads / device.wave_size;
  return {"scan_tiles",
          {many ? ceil_div(params.plan.num_local_experts, waves) : 0, kMaxThreads, 0}};
}

BodyLaunch place_tile_launch(const RoutePlanParams& params, const RouterDevice& device) noexcept {
  const auto words = [&](std::int64_t waves) {
    return place_tile_words(params.plan.num_local_experts, waves * device.wave_size);
  };
  return {"place_tile", shape_of(num_tiles(params), device, words)};
}

}  // namespace switchyard::vulkan
