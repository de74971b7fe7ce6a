// SPDX-License-Identifier: Apache-2.0
#include "backends/vulkan/usual_pipelines.hpp"

#include <array>
#include <vector>

#include "backends/vulkan/launches.hpp"

namespace switchyard::vulkan {
namespace {

constexpr std::array kDTypes{DType::f32, DType::bf16, DType::f16};
constexpr std::int32_t kFew = 1;      // rows of an expert,
constexpr std::int32_t kMany = 1024;  // which choose between bodies

/// The smallest product that any body can run, in one dtype.
template <class Params>
[[nodiscard]] Params smallest_product(DType dtype, std::int32_t rows) noexcept {
  Params params{};
  params.max_rows = rows;
  params.num_experts = 1;
  params.hidden_size = 8;
  params.intermediate_size = 8;
  params.block_size = 16;
  params.activation_dtype = dtype;
  params.weight_dtype = dtype;
  return params;
}

[[nodiscard]] kernels::FusedLayerParams smallest_fused_layer(DType dtype) noexcept {
  kernels::FusedLayerParams params{};
  params.down = smallest_product<kernels::DownParams>(dtype, kFew);
  params.combine.num_tokens = params.combine.top_k = 1;
  return params;
}

struct RouterExtents {
  std::int32_t experts;
  std::int32_t groups;
};

/// One for each number of experts that a lane can have, the largest of those that are usual; the
/// second of DeepSeek's kind.
[[nodiscard]] std::array<RouterExtents, 3> usual_routers(int wave_size) noexcept {
  return {{{4 * wave_size, 1}, {8 * wave_size, 8}, {12 * wave_size, 1}}};
}

/// One block, two launches, three.
constexpr std::array kTokensOfEachLaunch{kernels::kMinTileTokens, kernels::kMinTileTokens + 1,
                                         16 * kernels::kFewTiles + 1};

[[nodiscard]] kernels::RoutePlanParams smallest_router(const RouterExtents& extents,
                                                       std::int32_t tokens) noexcept {
  kernels::RoutePlanParams params{};
  params.route.num_tokens = params.plan.num_tokens = tokens;
  params.route.num_experts = params.plan.num_experts = params.plan.num_local_experts =
      extents.experts;
  params.route.num_groups = extents.groups;
  params.route.top_k = params.plan.top_k = 8;
  params.plan.block_size = 16;
  return params;
}

}  // namespace

void make_usual_pipelines(Pipelines& pipelines, const PhysicalDevice& physical,
                          VulkanBodies bodies) {
  const ProductDevice device = physical.product_device();
  std::vector<BodyLaunch> launches;
  const auto make = [&](const auto& params, VulkanBodies asked) {
    for_each_launch(params, device, asked,
                    [&launches](const BodyLaunch& launch, std::span<const std::byte> /*block*/) {
                      launches.push_back(launch);
                    });
  };
  const auto make_product = [&]<class Params>(Params /*tag*/) {
    make(smallest_product<Params>(DType::f32, kFew), VulkanBodies::tiled);
    if (physical.is_cpu) return;  // which takes long to compile the others
    for (const DType dtype : kDTypes)
      for (const VulkanBodies asked : {VulkanBodies::vector, VulkanBodies::matrix}) {
        const bool wanted =
            bodies == asked || (bodies == VulkanBodies::automatic &&
                                (asked == VulkanBodies::vector || device.matrices.has(dtype)));
        if (!wanted) continue;
        for (const std::int32_t rows : {kFew, kMany})
          make(smallest_product<Params>(dtype, rows), asked);
      }
  };
  kernels::GateParams gate{};
  gate.num_tokens = gate.num_outputs = 1;
  make(gate, bodies);
  kernels::RouteParams route{};
  route.num_tokens = route.num_experts = route.num_groups = 1;
  make(route, bodies);
  kernels::PlanParams plan{};
  plan.num_local_experts = 1;
  plan.slot_capacity = 1;
  make(plan, bodies);  // in one block
  plan.top_k = 1;
  plan.num_tokens = static_cast<std::int32_t>(kernels::plan_tile_pairs(0)) + 1;
  make(plan, bodies);  // in several
  for (const RouterExtents& extents : usual_routers(device.wave_size)) {
    for (const std::int32_t tokens : kTokensOfEachLaunch)
      make(smallest_router(extents, tokens), bodies);
    if (physical.is_cpu) break;  // which takes long to compile the others
  }
  make_product(kernels::GateUpParams{});
  make_product(kernels::DownParams{});
  if (!physical.is_cpu && (bodies == VulkanBodies::automatic || bodies == VulkanBodies::vector))
    for (const DType dtype : kDTypes)
      launches.push_back(down_combine_launch(smallest_fused_layer(dtype)));
  kernels::CombineParams combine{};
  combine.num_tokens = combine.hidden_size = 1;
  make(combine, bodies);
  launches.push_back(count_blocks_launch(device.wave_size));
  pipelines.make_all(launches);
}

}  // namespace switchyard::vulkan
