// SPDX-License-Identifier: Apache-2.0
#include "backends/cuda/sm90/fused_layer.hpp"

#include <cstdint>

#include "backends/cuda/native.hpp"
#include "backends/cuda/sm90/fused_kernels.hpp"
#include "kernels/fused_layer/sm90_arguments.hpp"
#include "kernels/fused_layer/sm90_memory.hpp"
#include "kernels/fused_layer/sm90_tuning.hpp"

namespace switchyard::sm90 {
namespace {

using kernels::sm90::FusedBuild;
using kernels::sm90::FusedExtents;
using kernels::sm90::GridCounters;
using kernels::sm90::Planning;

[[nodiscard]] const void* kernel_of(DType dtype, const FusedBuild& build,
                                    Planning planning) noexcept {
  return dtype == DType::f16 ? fused_layer_kernel_f16(build, planning)
                             : fused_layer_kernel_bf16(build, planning);
}

[[nodiscard]] FusedExtents extents_of(const kernels::FusedLayerParams& params) noexcept {
  const kernels::PlanParams& plan = params.route_plan.plan;
  const std::int64_t products = kernels::has_gate(params.gate_up) ? 2 : 1;
  return {plan.num_tokens,
          plan.top_k,
          plan.num_experts,
          plan.num_local_experts,
          params.down.hidden_size,
          params.down.intermediate_size,
          products};
}

[[nodiscard]] FusedExtents extents_of(const ForwardCall& call) noexcept {
  const LayerConfig& config = call.config;
  return {call.num_tokens,
          config.top_k,
          config.num_experts,
          config.local_experts(),
          config.hidden_size,
          config.intermediate_size,
          config.activation.rows_per_feature()};
}

[[nodiscard]] bool is_aligned(const void* address) noexcept {
  return reinterpret_cast<std::uintptr_t>(address) % 16 == 0;
}

/// Whether the rows that the kernel moves are aligned to 16 bytes.
[[nodiscard]] bool are_rows_aligned(const kernels::FusedLayerParams& params) noexcept {
  for (const void* const rows :
       {params.gate_up.hidden_states, static_cast<const void*>(params.gate_up.activated),
        static_cast<const void*>(params.combine.output), params.combine.residual,
        params.combine.shared_rows})
    if (!is_aligned(rows)) return false;
  return true;
}

/// Whether every block can make the plan for itself.
[[nodiscard]] bool can_route(const kernels::RoutePlanParams& params) noexcept {
  const kernels::PlanParams& plan = params.plan;
  return params.given_ids == nullptr && plan.num_tokens <= kernels::sm90::kRoutedMaxTokens &&
         plan.num_tokens * plan.top_k <= kernels::sm90::kRoutedMaxPairs &&
         (params.route.num_groups <= 1 ||
          plan.num_tokens * (plan.num_experts + params.route.num_groups) <=
              kernels::sm90::kRoutedMaxKeys);
}

/// Of so many stages in flight per warp.
[[nodiscard]] int shared_bytes(Planning planning, int ring) noexcept {
  return planning == Planning::blocks ? kernels::sm90::FusedMemory<Planning::blocks>::bytes(ring)
                                      : kernels::sm90::FusedMemory<Planning::stage>::bytes(ring);
}

void enqueue(int device, int num_multiprocessors, CudaApi::NativeStream stream,
             const kernels::FusedLayerParams& params, Planning planning, GridCounters* counters) {
  const FusedExtents extents = extents_of(params);
  const FusedBuild build = kernels::sm90::fused_build(extents.hidden_size, planning,
                                                      params.route_plan.plan.expert_map != nullptr);
  kernels::sm90::FusedArguments arguments{
      params.route_plan.plan,
      params.gate_up,
      params.down,
      params.combine,
      kernels::sm90::tune_fused(extents, build, planning),
      kernels::sm90::Divisor::of(static_cast<std::uint32_t>(num_multiprocessors)),
      counters,
      params.route_plan.route};

  cudaLaunchAttribute overlap{};
  overlap.id = cudaLaunchAttributeProgrammaticStreamSerialization;
  overlap.val.programmaticStreamSerializationAllowed = 1;
  cudaLaunchConfig_t config{};
  config.gridDim = dim3(static_cast<unsigned>(num_multiprocessors));
  config.blockDim = dim3(kernels::sm90::kFusedThreads);
  config.dynamicSmemBytes = static_cast<std::size_t>(shared_bytes(planning, arguments.tuning.ring));
  config.stream = stream;
  config.attrs = &overlap;
  config.numAttrs = 1;

  const void* const kernel = kernel_of(params.down.weight_dtype, build, planning);
  void* pointers[] = {&arguments};
  const gpu::DeviceScope<CudaApi> scope(device);
  gpu::check<CudaApi>(cudaLaunchKernelExC(&config, kernel, pointers), "LaunchKernelExC",
                      " of fused_layer");
}

}  // namespace

bool runs_fused_layer(const ForwardCall& call) noexcept {
  const LayerConfig& config = call.config;
  return config.weight_dtype != DType::f32 && config.activation_dtype == config.weight_dtype &&
         call.gate_up_layout == WeightLayout::swizzled_tiles &&
         call.down_layout == WeightLayout::swizzled_tiles && !call.plan_only &&
         kernels::sm90::fits_fused(extents_of(call));
}

bool suits_fused_layer(const ForwardCall& call) noexcept {
  return kernels::sm90::suits_fused(extents_of(call));
}

void prepare_fused_layer(int device) {
  const gpu::DeviceScope<CudaApi> scope(device);
  for (const FusedBuild& build : kernels::sm90::kFusedBuilds)
    for (const DType dtype : {DType::bf16, DType::f16})
      for (const Planning planning : {Planning::stage, Planning::blocks}) {
        const void* const kernel = kernel_of(dtype, build, planning);
        const auto set = [kernel](cudaFuncAttribute attribute, int value) {
          gpu::check<CudaApi>(cudaFuncSetAttribute(kernel, attribute, value), "FuncSetAttribute");
        };
        set(cudaFuncAttributeMaxDynamicSharedMemorySize,
            shared_bytes(planning, kernels::sm90::kMaxRing));
        set(cudaFuncAttributePreferredSharedMemoryCarveout, cudaSharedmemCarveoutMaxShared);
      }
}

bool launch_fused_layer(int device, int num_multiprocessors, CudaApi::NativeStream stream,
                        const kernels::FusedLayerParams& params) {
  const kernels::PlanParams& plan = params.route_plan.plan;
  if (!are_rows_aligned(params)) return false;
  if (plan.num_tokens == 0) return true;
  enqueue(device, num_multiprocessors, stream, params, Planning::stage,
          reinterpret_cast<GridCounters*>(kernels::stage_counters(plan)));
  return true;
}

bool launch_routed_layer(int device, int num_multiprocessors, CudaApi::NativeStream stream,
                         const kernels::FusedLayerParams& params, CounterSets& counters) {
  const kernels::RoutePlanParams& planning = params.route_plan;
  if (planning.plan.num_tokens == 0 || !can_route(planning) || !are_rows_aligned(params))
    return false;
  CounterSet* const own = counters.of(planning.plan.scratch);
  if (own == nullptr) return false;
  enqueue(device, num_multiprocessors, stream, params, Planning::blocks, &own->fused_layer);
  return true;
}

}  // namespace switchyard::sm90
