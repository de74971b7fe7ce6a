// SPDX-License-Identifier: Apache-2.0
// The launches of stage "route_plan": pure functions of what the host knows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "backends/vulkan/route.hpp"
#include "kernels/route_plan/params.hpp"
#include "kernels/route_plan/push_params.hpp"
#include "switchyard/forward_path.hpp"

namespace switchyard::vulkan {

/// Whether the stage's bodies can run a call.
[[nodiscard]] bool runs_route_plan(const ForwardCall& call, const RouterDevice& device) noexcept;

/// One block of few tokens does it all.
[[nodiscard]] bool is_one_block(const kernels::RoutePlanParams& params) noexcept;
[[nodiscard]] BodyLaunch route_plan_block_launch(const kernels::RoutePlanParams& params,
                                                 const RouterDevice& device) noexcept;
[[nodiscard]] kernels::RoutePlanBlockParams route_plan_block_params(
    const kernels::RoutePlanParams& params) noexcept;

// Else, these in their order; scan_tiles where there are many tiles.
[[nodiscard]] BodyLaunch route_tile_launch(const kernels::RoutePlanParams& params,
                                           const RouterDevice& device) noexcept;
[[nodiscard]] kernels::RouteTileParams route_tile_params(
    const kernels::RoutePlanParams& params) noexcept;
[[nodiscard]] BodyLaunch scan_tiles_launch(const kernels::RoutePlanParams& params,
                                           const RouterDevice& device) noexcept;
[[nodiscard]] BodyLaunch place_tile_launch(const kernels::RoutePlanParams& params,
                                           const RouterDevice& device) noexcept;

/// Calls visit(launch, parameter block as bytes) for each launch of the stage.
template <class Visit>
void for_each_route_plan_launch(const kernels::RoutePlanParams& params, const RouterDevice& device,
                                Visit visit) {
  const auto pass = [&visit](const BodyLaunch& launch, const auto& block) {
    visit(launch, std::as_bytes(std::span(&block, 1)));
  };
  if (is_one_block(params))
    return pass(route_plan_block_launch(params, device), route_plan_block_params(params));
  pass(route_tile_launch(params, device), route_tile_params(params));
  if (const BodyLaunch scan = scan_tiles_launch(params, device); scan.shape.num_blocks > 0)
    pass(scan, params.plan);
  pass(place_tile_launch(params, device), params.plan);
}

}  // namespace switchyard::vulkan
