// SPDX-License-Identifier: Apache-2.0
#include "backends/vulkan/route_plan.hpp"

#include <algorithm>
#include <array>

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

/// A body for each number of experts that a lane can have: 4, 8 and 16.
using ByExpertsOfLane = std::array<std::string_view, 3>;
constexpr ByExpertsOfLane kBlock{"route_plan_block_4", "route_plan_block_8", "route_plan_block_16"};
constexpr ByExpertsOfLane kTile{"route_tile_4", "route_tile_8", "route_tile_16"};

/// The first of the bodies that can run so many experts.
[[nodiscard]] std::string_view choose(const ByExpertsOfLane& bodies, const RoutePlanParams& params,
                                      const RouterDevice& device) noexcept {
  const std::int64_t quarter = std::int64_t{kMaxPerLane / 4} * device.wave_size;
  return bodies[params.plan.num_experts <= quarter       ? 0
                : params.plan.num_experts <= 2 * quarter ? 1
                                                         : 2];
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
  return {choose(kBlock, params, device), shape_of(1, device, words)};
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
  return {choose(kTile, params, device), shape_of(num_tiles(params), device, words)};
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
