// SPDX-License-Identifier: Apache-2.0
#include "backends/cuda/sm90/route_plan.hpp"

#include <array>

#include "backends/cuda/native.hpp"
#include "backends/cuda/sm90/kernels.hpp"
#include "backends/cuda/sm90/launch.hpp"
#include "kernels/route_plan/sm90_shape.hpp"

namespace switchyard::sm90 {
namespace {

using kernels::simt::Ranking;
namespace shape = kernels::sm90;

/// Of the shared memory that a kernel has without being let; the rest is for what it declares.
constexpr std::size_t kUsualSharedBytes = 47 * 1024;

constexpr std::array kRankings{Ranking::logits, Ranking::selections};

[[nodiscard]] Ranking ranking_of(const kernels::RoutePlanParams& params) noexcept {
  return params.given_ids != nullptr ? Ranking::logits : kernels::simt::ranking_of(params.route);
}

[[nodiscard]] Extents extents_of(int num_blocks, std::size_t shared_bytes) noexcept {
  const auto blocks = static_cast<unsigned>(num_blocks);
  return {blocks, shape::kRouteThreads, shared_bytes, blocks};
}

}  // namespace

bool prepare_route_plan(int device) {
  const gpu::DeviceScope<CudaApi> scope(device);
  bool runs = true;
  for (const int per_lane : {4, 8, 16})
    for (const Ranking ranking : kRankings) {
      const void* const kernel = route_plan_cluster_kernel(per_lane, ranking);
      gpu::check<CudaApi>(
          cudaFuncSetAttribute(kernel, cudaFuncAttributeNonPortableClusterSizeAllowed, 1),
          "FuncSetAttribute");
      runs =
          runs && max_clusters(kernel, extents_of(shape::kMaxRouteCluster, kUsualSharedBytes)) > 0;
    }
  return runs;
}

bool launch_route_plan(int device, cudaStream_t stream, const kernels::RoutePlanParams& params) {
  const kernels::PlanParams& plan = params.plan;
  if (!shape::suits_cluster(plan)) return false;
  kernels::RoutePlanParams block = params;
  block.tiles = shape::cluster_tiles(plan);
  const std::size_t bytes = shape::cluster_block_bytes(block);
  if (bytes > kUsualSharedBytes) return false;
  const std::int64_t per_lane = kernels::simt::ceil_div(params.route.num_experts, 32);
  std::array<void*, 1> arguments{&block};
  launch_dependent(device, stream,
                   route_plan_cluster_kernel(static_cast<int>(per_lane), ranking_of(params)),
                   extents_of(block.tiles.count, bytes), arguments);
  return true;
}

}  // namespace switchyard::sm90
