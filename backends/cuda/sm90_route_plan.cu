// SPDX-License-Identifier: Apache-2.0
#include "backends/cuda/sm90/kernels.hpp"
#include "backends/cuda/wave_ops.hpp"
#include "kernels/route_plan/sm90_cluster.cuh"

namespace switchyard::sm90 {
namespace {

using kernels::simt::Ranking;

template <Ranking By>
[[nodiscard]] const void* find_route_plan(int per_lane) noexcept {
  using kernels::sm90::RoutePlanClusterBody;
  if (per_lane <= 4) return gpu::kernel_address<CudaApi, RoutePlanClusterBody<4, By>>(32);
  if (per_lane <= 8) return gpu::kernel_address<CudaApi, RoutePlanClusterBody<8, By>>(32);
  return gpu::kernel_address<CudaApi, RoutePlanClusterBody<16, By>>(32);
}

}  // namespace

const void* route_plan_cluster_kernel(int per_lane, Ranking ranking) noexcept {
  return ranking == Ranking::logits ? find_route_plan<Ranking::logits>(per_lane)
                                    : find_route_plan<Ranking::selections>(per_lane);
}

}  // namespace switchyard::sm90
