// SPDX-License-Identifier: Apache-2.0
#include "backends/vulkan/usual_pipelines.hpp"

#include "kernels/combine/simt.hpp"
#include "kernels/down/simt.hpp"
#include "kernels/gate/simt.hpp"
#include "kernels/gate_up/simt.hpp"
#include "kernels/plan/simt.hpp"
#include "kernels/route/simt.hpp"

namespace switchyard::vulkan {

void make_usual_pipelines(Pipelines& pipelines, int wave_size) {
  const auto make = [&]<class Params>(const Params& params) {
    kernels::simt::launch_all(
        params, wave_size,
        [&]<class Body>(const kernels::simt::LaunchShape& shape, const Params& /*block*/) {
          static_cast<void>(pipelines.find(Body::kName, shape));
        });
  };
  make(kernels::GateParams{});
  kernels::RouteParams route{};
  route.num_experts = 1;
  route.num_groups = 1;
  make(route);
  kernels::PlanParams plan{};
  plan.num_local_experts = 1;
  make(plan);  // in one block
  plan.top_k = 1;
  plan.num_tokens = static_cast<std::int32_t>(kernels::plan_tile_pairs(0)) + 1;
  make(plan);  // in several
  make(kernels::GateUpParams{});
  make(kernels::DownParams{});
  make(kernels::CombineParams{});
}

}  // namespace switchyard::vulkan
