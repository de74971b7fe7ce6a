// SPDX-License-Identifier: Apache-2.0
#include "backends/cuda/sm90/kernels.hpp"
#include "backends/cuda/wave_ops.hpp"
#include "kernels/route_plan/sm90_cluster.cuh"
#include "kernels/route_plan/sm90_grid.cuh"

namespace switchyard::sm90 {
namespace {

using kernels::simt::Ranking;

template <template <int, Ranking> class Body, Ranking By>
[[nodiscard]] const void* find_kernel(int per_lane) noexcept {
  if (per_lane <= 4) return gpu::kernel_address<CudaApi, Body<4, By>>(32);
  if (per_lane <= 8) return gpu::kernel_address<CudaApi, Body<8, By>>(32);
  return gpu::kernel_address<CudaApi, Body<16, By>>(32);
}

template <template <int, Ranking> class Body>
[[nodiscard]] const void* find_kernel(int per_lane, Ranking ranking) noexcept {
  return ranking == Ranking::logits ? find_kernel<Body, Ranking::logits>(per_lane)
                                    : find_kernel<Body, Ranking::selections>(per_lane);
}

}  // namespace

const void* route_plan_cluster_kernel(int per_lane, Ranking ranking) noexcept {
  return find_kernel<kernels::sm90::RoutePlanClusterBody>(per_lane, ranking);
}

const void* route_plan_grid_kernel(int per_lane, Ranking ranking) noexcept {
  return find_kernel<kernels::sm90::RoutePlanGridBody>(per_lane, ranking);
}

}  // namespace switchyard::sm90
