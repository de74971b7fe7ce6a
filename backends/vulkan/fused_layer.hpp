// SPDX-License-Identifier: Apache-2.0
// The launches of stage "fused_layer": pure functions of what the host knows. Few tokens, whose
// experts have about a row each, want few launches and a wave for a few rows of the weights:
// route_plan, gate_up by the vector body, down and combine as one.
#pragma once

#include <span>

#include "backends/vulkan/combine.hpp"
#include "backends/vulkan/products.hpp"
#include "backends/vulkan/route_plan.hpp"
#include "kernels/down_combine/params.hpp"
#include "kernels/fused_layer/params.hpp"
#include "switchyard/forward_path.hpp"

namespace switchyard::vulkan {

/// Whether the stage's bodies can run a call where `bodies` was asked for. Addresses that 16 does
/// not divide, which a call does not tell, send a launch to the bodies that can.
[[nodiscard]] bool runs_fused_layer(const ForwardCall& call, const ProductDevice& device,
                                    VulkanBodies bodies) noexcept;
/// Whether that is how a call that they can run is fastest.
[[nodiscard]] bool suits_fused_layer(const ForwardCall& call) noexcept;

/// Down and combine as one; no blocks where the two are to be launched instead.
[[nodiscard]] BodyLaunch down_combine_launch(const kernels::FusedLayerParams& params) noexcept;
[[nodiscard]] kernels::DownCombineParams down_combine_params(
    const kernels::FusedLayerParams& params) noexcept;

/// Calls visit(launch, parameter block as bytes) for each launch of the stage.
template <class Visit>
void for_each_fused_layer_launch(const kernels::FusedLayerParams& params,
                                 const ProductDevice& device, Visit visit) {
  const auto pass = [&visit](const BodyLaunch& launch, const auto& block) {
    if (launch.shape.num_blocks > 0) visit(launch, std::as_bytes(std::span(&block, 1)));
  };
  for_each_route_plan_launch(params.route_plan, {device.wave_size, device.shared_bytes}, visit);
  pass(plan_product(params.gate_up, device, VulkanBodies::vector), params.gate_up);
  const BodyLaunch both = down_combine_launch(params);
  if (both.shape.num_blocks > 0) return pass(both, down_combine_params(params));
  pass(plan_product(params.down, device, VulkanBodies::vector), params.down);
  pass(combine_launch(params.combine), params.combine);
}

}  // namespace switchyard::vulkan
