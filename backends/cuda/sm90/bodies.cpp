// SPDX-License-Identifier: Apache-2.0
#include "backends/cuda/sm90/bodies.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

#include "backends/cuda/sm90/kernels.hpp"
#include "backends/cuda/sm90/launch.hpp"
#include "kernels/gate_up/sm90_pack.hpp"
#include "kernels/probe/sm90.hpp"
#include "kernels/route_plan/params.hpp"
#include "kernels/sm90/product/selection.hpp"
#include "kernels/sm90/product/view.hpp"

namespace switchyard {
namespace {

using kernels::sm90::aligned16;
using kernels::sm90::Generality;
using kernels::sm90::is_lean;
using kernels::sm90::ProductCounters;
using kernels::sm90::ProductLaunch;
using kernels::sm90::ProductShape;

[[nodiscard]] bool is_sm90(int device) {
  const auto attribute = [device](cudaDeviceAttr which) {
    int value = 0;
    gpu::check<CudaApi>(cudaDeviceGetAttribute(&value, which, device), "DeviceGetAttribute");
    return value;
  };
  return attribute(cudaDevAttrComputeCapabilityMajor) == 9 &&
         attribute(cudaDevAttrComputeCapabilityMinor) == 0;
}

[[nodiscard]] constexpr bool is_16_bit(DType dtype) noexcept {
  return size_of(dtype) == 2;
}

/// is_lean(GateUpParams) for a call with aligned memory.
[[nodiscard]] bool has_lean_gate_up(const ForwardCall& call) noexcept {
  const ActivationConfig& activation = call.config.activation;
  return activation.kind == ActivationKind::swiglu && activation.input_rounding == Rounding::f32 &&
         call.config.router.weight_site != WeightSite::expert_input && !call.has_gate_up_bias;
}

[[nodiscard]] constexpr sm90::Extents product_extents(int num_blocks, int cluster_size) noexcept {
  return {static_cast<unsigned>(num_blocks), ProductShape::kThreads, ProductShape::kSharedBytes,
          static_cast<unsigned>(cluster_size)};
}

}  // namespace

gpu::TunedBodies<CudaApi>::TunedBodies(const DeviceInfo& device, const GpuOptions& options)
    : device_(device.index),
      fits_device_(options.bodies == GpuBodies::automatic && is_sm90(device.index)),
      product_cluster_(options.product_cluster),
      packs_hidden_states_(options.packs_hidden_states),
      num_blocks_(device.compute_units) {
  if (!fits_device_) return;
  maps_.emplace();
  counters_ = std::make_unique<sm90::CounterSets>(device_);
  sm90::prepare_fused_layer(device_);
  route_plan_ = sm90::prepare_route_plan(device_, num_blocks_);
  const gpu::DeviceScope<CudaApi> scope(device_);
  num_clusters_ = num_blocks_ / 2;
  for (const Generality generality : {Generality::lean, Generality::full})
    for (const int cluster : {1, 2})
      for (const auto find : {&sm90::gate_up_kernel_bf16, &sm90::gate_up_kernel_f16,
                              &sm90::packed_gate_up_kernel_bf16, &sm90::packed_gate_up_kernel_f16,
                              &sm90::down_kernel_bf16, &sm90::down_kernel_f16}) {
        const void* const kernel = find({cluster, generality});
        gpu::check<CudaApi>(
            cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize,
                                 ProductShape::kSharedBytes),
            "FuncSetAttribute");
        if (cluster == 1) continue;
        num_clusters_ = std::min(
            num_clusters_, sm90::max_clusters(kernel, product_extents(num_blocks_ / 2 * 2, 2)));
      }
}

WeightLayout gpu::TunedBodies<CudaApi>::layout_of(const ExpertMatrices& matrices) const noexcept {
  const bool fits = fits_device_ && is_16_bit(matrices.dtype) &&
                    matrices.dtype == matrices.activation_dtype &&
                    SwizzledTiles::of(matrices).num_features() % 8 == 0 && matrices.width % 8 == 0;
  return fits ? WeightLayout::swizzled_tiles : WeightLayout::rows;
}

ProductLaunch gpu::TunedBodies<CudaApi>::plan_product(std::int64_t max_rows,
                                                      std::int64_t num_experts) const noexcept {
  ProductLaunch launch = kernels::sm90::choose_product(max_rows, num_experts);
  launch.cluster = product_cluster_.value_or(launch.cluster);
  if (num_clusters_ == 0) launch.cluster = 1;
  return launch;
}

std::string gpu::TunedBodies<CudaApi>::describe_products(const ForwardCall& call) const {
  if (call.gate_up_layout != WeightLayout::swizzled_tiles) return "portable";
  const std::int64_t rows = call.num_tokens * call.config.top_k;
  const std::int64_t experts = call.config.local_experts();
  const bool packs = runs_coupled_layer(call) && has_lean_gate_up(call) &&
                     packs_hidden_states(rows, experts, call.config.intermediate_size);
  return "sm90, " + std::to_string(plan_product(rows, experts).cluster) + " to a cluster" +
         (packs ? ", coupled_layer packs hidden states" : "");
}

bool gpu::TunedBodies<CudaApi>::packs_hidden_states(std::int64_t max_rows, std::int64_t num_experts,
                                                    std::int64_t intermediate_size) const noexcept {
  return packs_hidden_states_.value_or(
      kernels::sm90::packs_hidden_states(max_rows, num_experts, intermediate_size));
}

template <class Params, class Boxes>
void gpu::TunedBodies<CudaApi>::launch_product(cudaStream_t stream, FindProduct find,
                                               const Params& params, Boxes boxes,
                                               const ProductCounters& counters) const {
  ProductLaunch launch = plan_product(params.max_rows, params.num_experts);
  launch.counters = counters;
  const void* const kernel =
      find({launch.cluster, is_lean(params) ? Generality::lean : Generality::full});
  const int num_blocks = launch.cluster == 1 ? num_blocks_ : num_clusters_ * launch.cluster;
  Params block = params;
  std::array<void*, 3> arguments{&block, &launch, &boxes};
  sm90::launch_dependent(device_, stream, kernel, product_extents(num_blocks, launch.cluster),
                         arguments);
}

bool gpu::TunedBodies<CudaApi>::launch(cudaStream_t stream, const kernels::GateUpParams& params,
                                       const ProductCounters& counters) const {
  if (params.weight_layout != WeightLayout::swizzled_tiles) return false;
  if (params.max_rows == 0) return true;
  const FindProduct find = params.activation_dtype == DType::bf16 ? &sm90::gate_up_kernel_bf16
                                                                  : &sm90::gate_up_kernel_f16;
  launch_product(stream, find, params, kernels::sm90::NoBoxes{}, counters);
  return true;
}

bool gpu::TunedBodies<CudaApi>::launch_packed(cudaStream_t stream,
                                              const kernels::GateUpParams& params, void* packed,
                                              const ProductCounters& counters) const {
  const bool packs =
      params.weight_layout == WeightLayout::swizzled_tiles && params.max_rows > 0 &&
      packs_hidden_states(params.max_rows, params.num_experts, params.intermediate_size) &&
      is_lean(params) && aligned16(packed);
  if (!packs) return false;
  kernels::sm90::PackParams packing{params.hidden_states,
                                    params.packed_token_idx,
                                    params.expert_offsets + params.num_experts,
                                    packed,
                                    params.max_rows,
                                    params.hidden_size};
  std::array<void*, 1> arguments{&packing};
  constexpr int kRows = kernels::sm90::kPackRows;
  sm90::launch_dependent(
      device_, stream, sm90::pack_kernel(),
      {static_cast<unsigned>((params.max_rows + kRows - 1) / kRows), kernels::sm90::kPackThreads},
      arguments);
  kernels::GateUpParams product = params;
  product.hidden_states = packed;
  launch_product(stream,
                 params.activation_dtype == DType::bf16 ? &sm90::packed_gate_up_kernel_bf16
                                                        : &sm90::packed_gate_up_kernel_f16,
                 product, maps_->row_boxes(packed, params.max_rows, params.hidden_size), counters);
  return true;
}

bool gpu::TunedBodies<CudaApi>::launch(cudaStream_t stream, const kernels::DownParams& params,
                                       const ProductCounters& counters) const {
  if (params.weight_layout != WeightLayout::swizzled_tiles) return false;
  if (params.max_rows == 0) return true;
  const FindProduct find =
      params.activation_dtype == DType::bf16 ? &sm90::down_kernel_bf16 : &sm90::down_kernel_f16;
  if (is_lean(params))
    launch_product(stream, find, params,
                   maps_->row_boxes(params.activated, params.max_rows, params.intermediate_size),
                   counters);
  else
    launch_product(stream, find, params, kernels::sm90::NoBoxes{}, counters);
  return true;
}

bool gpu::TunedBodies<CudaApi>::runs_coupled_layer(const ForwardCall& call) const noexcept {
  const std::int64_t counts =
      call.num_tokens * call.config.top_k * (call.config.intermediate_size / 8);
  return fits_device_ && !call.plan_only && call.gate_up_layout == WeightLayout::swizzled_tiles &&
         call.down_layout == WeightLayout::swizzled_tiles && counts < std::int64_t{1} << 31U;
}

void gpu::TunedBodies<CudaApi>::launch_coupled_products(
    cudaStream_t stream, const kernels::FusedLayerParams& params) const {
  const kernels::PlanParams& plan = params.route_plan.plan;
  const auto counters = [](std::int32_t* first) { return reinterpret_cast<std::uint32_t*>(first); };
  const bool by_expert =
      kernels::sm90::begins_by_expert(params.gate_up.max_rows, params.gate_up.num_experts);
  std::uint32_t* const stored = by_expert ? counters(kernels::expert_counters(plan)) : nullptr;
  std::uint32_t* const drawn = counters(kernels::stage_counters(plan));
  // Nobody needs the memory for expert rows before down writes them: those of an expert when all
  // of its hidden states have been read.
  void* const packed = params.down.expert_rows;
  const ProductCounters gate_up_counters{stored, drawn};
  const bool gate_up_runs = launch_packed(stream, params.gate_up, packed, gate_up_counters) ||
                            launch(stream, params.gate_up, gate_up_counters);
  if (!gate_up_runs || !launch(stream, params.down, {stored, drawn + 1}))
    throw Error(ErrorCode::invalid_argument, "coupled_layer takes matrices in swizzled_tiles");
}

bool gpu::TunedBodies<CudaApi>::launch(cudaStream_t stream, const kernels::CombineParams& params,
                                       kernels::sm90::ReadRows read) const {
  const bool fits = fits_device_ && is_16_bit(params.activation_dtype) &&
                    params.hidden_size % 8 == 0 && aligned16(params.expert_rows) &&
                    aligned16(params.shared_rows) && aligned16(params.residual) &&
                    aligned16(params.output);
  if (!fits) return false;
  if (params.num_tokens == 0) return true;
  const int chunks = params.hidden_size / 8;
  const int threads = std::min(256, (chunks + 31) / 32 * 32);
  const int per_token = (chunks + threads - 1) / threads;
  kernels::CombineParams block = params;
  std::array<void*, 1> arguments{&block};
  sm90::launch_dependent(
      device_, stream,
      params.activation_dtype == DType::bf16 ? sm90::combine_kernel_bf16(params.top_k, read)
                                             : sm90::combine_kernel_f16(params.top_k, read),
      {static_cast<unsigned>(params.num_tokens) * static_cast<unsigned>(per_token),
       static_cast<unsigned>(threads)},
      arguments);
  return true;
}

bool gpu::TunedBodies<CudaApi>::launch(cudaStream_t stream,
                                       const kernels::RoutePlanParams& params) const {
  return counters_ != nullptr &&
         sm90::launch_route_plan(device_, route_plan_, stream, params, *counters_);
}

double gpu::TunedBodies<CudaApi>::probe_products(cudaStream_t stream,
                                                 DeviceSpan<std::byte> sink) const {
  using kernels::sm90::ProductProbe;
  if (!fits_device_) return 0.0;
  void* to = sink.data();
  std::array<void*, 1> arguments{&to};
  sm90::launch_dependent(
      device_, stream, sm90::probe_products_kernel(),
      {static_cast<unsigned>(num_blocks_), ProductProbe::kThreads, ProductProbe::kSharedBytes},
      arguments);
  return ProductProbe::kOperations * num_blocks_;
}

}  // namespace switchyard
