// SPDX-License-Identifier: Apache-2.0
// The launches of every stage.
#pragma once

#include <span>
#include <type_traits>

#include "backends/vulkan/combine.hpp"
#include "backends/vulkan/fused_layer.hpp"
#include "backends/vulkan/products.hpp"
#include "backends/vulkan/route_plan.hpp"
#include "kernels/gate/simt.hpp"
#include "kernels/plan/simt.hpp"
#include "kernels/probe/simt.hpp"

namespace switchyard::vulkan {

template <class Params>
inline constexpr bool kIsProduct =
    std::is_same_v<Params, kernels::GateUpParams> || std::is_same_v<Params, kernels::DownParams>;

/// Calls visit(launch, parameter block as bytes) for each launch of a stage that has something to
/// do.
template <class Params, class Visit>
void for_each_launch(const Params& params, const ProductDevice& device, VulkanBodies bodies,
                     Visit visit) {
  const auto pass = [&](const BodyLaunch& launch) {
    if (launch.shape.num_blocks > 0) visit(launch, std::as_bytes(std::span(&params, 1)));
  };
  if constexpr (std::is_same_v<Params, kernels::RoutePlanParams>) {
    for_each_route_plan_launch(params, {device.wave_size, device.shared_bytes}, visit);
  } else if constexpr (std::is_same_v<Params, kernels::FusedLayerParams>) {
    for_each_fused_layer_launch(params, device, visit);
  } else if constexpr (std::is_same_v<Params, kernels::RouteParams>) {
    pass(route_launch(params, {device.wave_size, device.shared_bytes}));
  } else if constexpr (kIsProduct<Params>) {
    pass(plan_product(params, device, bodies));
  } else if constexpr (std::is_same_v<Params, kernels::CombineParams>) {
    pass(combine_launch(params));
  } else {
    kernels::simt::launch_all(
        params, device.wave_size,
        [&pass]<class Body>(const kernels::simt::LaunchShape& shape, const Params& /*block*/) {
          pass({Body::kName, shape});
        });
  }
}

}  // namespace switchyard::vulkan
