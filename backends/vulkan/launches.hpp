// SPDX-License-Identifier: Apache-2.0
// The launches of every stage.
#pragma once

#include <span>
#include <type_traits>

#include "backends/vulkan/products.hpp"
#include "backends/vulkan/route_plan.hpp"
#include "kernels/combine/params.hpp"
#include "kernels/gate/simt.hpp"
#include "kernels/plan/simt.hpp"

namespace switchyard::vulkan {

/// A thread makes eight elements of a row side by side.
[[nodiscard]] inline kernels::simt::LaunchShape combine_shape(
    const kernels::CombineParams& params) noexcept {
  constexpr int kThreads = 256;
  constexpr int kWidth = 8;
  const std::int64_t pieces =
      params.num_tokens * kernels::simt::ceil_div(params.hidden_size, kWidth);
  return {kernels::simt::blocks_for(kernels::simt::ceil_div(pieces, kThreads)), kThreads, 0};
}

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
  } else if constexpr (std::is_same_v<Params, kernels::RouteParams>) {
    pass(route_launch(params, {device.wave_size, device.shared_bytes}));
  } else if constexpr (kIsProduct<Params>) {
    pass(plan_product(params, device, bodies));
  } else if constexpr (std::is_same_v<Params, kernels::CombineParams>) {
    pass({kernels::Combine::kName, combine_shape(params)});
  } else {
    kernels::simt::launch_all(
        params, device.wave_size,
        [&pass]<class Body>(const kernels::simt::LaunchShape& shape, const Params& /*block*/) {
          pass({Body::kName, shape});
        });
  }
}

}  // namespace switchyard::vulkan
