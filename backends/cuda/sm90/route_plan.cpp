// SPDX-License-Identifier: Apache-2.0
#include "backends/cuda/sm90/route_plan.hpp"

#include <array>

#include "backends/cuda/native.hpp"
#include "backends/cuda/sm90/kernels.hpp"
#include "backends/cuda/sm90/launch.hpp"
#include "kernels/route_plan/sm90_grid_shape.hpp"
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

[[nodiscard]] int per_lane_of(const kernels::RoutePlanParams& params) noexcept {
  return static_cast<int>(kernels::simt::ceil_div(params.route.num_experts, 32));
}

[[nodiscard]] Extents cluster_extents(int num_blocks, std::size_t shared_bytes) noexcept {
  const auto blocks = static_cast<unsigned>(num_blocks);
  return {blocks, shape::kRouteThreads, shared_bytes, blocks};
}

[[nodiscard]] bool launch_cluster(int device, cudaStream_t stream,
                                  const kernels::RoutePlanParams& params) {
  if (!shape::suits_cluster(params.plan)) return false;
  kernels::RoutePlanParams block = params;
  block.tiles = shape::cluster_tiles(params.plan);
  const std::size_t bytes = shape::cluster_block_bytes(block);
  if (bytes > kUsualSharedBytes) return false;
  std::array<void*, 1> arguments{&block};
  launch_dependent(device, stream,
                   route_plan_cluster_kernel(per_lane_of(params), ranking_of(params)),
                   cluster_extents(block.tiles.count, bytes), arguments);
  return true;
}

[[nodiscard]] bool launch_grid(int device, const RoutePlanLimits& limits, cudaStream_t stream,
                               const kernels::RoutePlanParams& params, CounterSets& counters) {
  const int num_blocks = limits.grid_blocks;
  if (!shape::suits_grid(params, num_blocks)) return false;
  shape::RoutePlanGridParams block{params, nullptr, limits.patience};
  block.call.tiles = shape::grid_tiles(params.plan, num_blocks);
  const int per_lane = per_lane_of(params);
  const int threads = shape::grid_threads(block.call.tiles.tokens, per_lane);
  const std::size_t bytes = shape::grid_block_bytes(block.call, threads);
  if (bytes > kUsualSharedBytes) return false;
  CounterSet* const own = counters.of(params.plan.scratch);
  if (own == nullptr) return false;
  block.meeting = &own->route_plan;
  std::array<void*, 1> arguments{&block};
  launch_dependent(
      device, stream, route_plan_grid_kernel(per_lane, ranking_of(params)),
      {static_cast<unsigned>(block.call.tiles.count), static_cast<unsigned>(threads), bytes},
      arguments);
  return true;
}

}  // namespace

RoutePlanLimits prepare_route_plan(int device, int num_multiprocessors) {
  const gpu::DeviceScope<CudaApi> scope(device);
  RoutePlanLimits limits{true, num_multiprocessors, shape::kGridPatience};
  for (const int per_lane : {4, 8, 16})
    for (const Ranking ranking : kRankings) {
      const void* const cluster = route_plan_cluster_kernel(per_lane, ranking);
      gpu::check<CudaApi>(
          cudaFuncSetAttribute(cluster, cudaFuncAttributeNonPortableClusterSizeAllowed, 1),
          "FuncSetAttribute");
      limits.has_cluster =
          limits.has_cluster &&
          max_clusters(cluster, cluster_extents(shape::kMaxRouteCluster, kUsualSharedBytes)) > 0;
      int blocks = 0;
      gpu::check<CudaApi>(cudaOccupancyMaxActiveBlocksPerMultiprocessor(
                              &blocks, route_plan_grid_kernel(per_lane, ranking),
                              shape::max_grid_threads(per_lane), kUsualSharedBytes),
                          "OccupancyMaxActiveBlocksPerMultiprocessor");
      if (blocks == 0) limits.grid_blocks = 0;
    }
  return limits;
}

bool launch_route_plan(int device, const RoutePlanLimits& limits, cudaStream_t stream,
                       const kernels::RoutePlanParams& params, CounterSets& counters) {
  return (limits.has_cluster && launch_cluster(device, stream, params)) ||
         launch_grid(device, limits, stream, params, counters);
}

}  // namespace switchyard::sm90
