// SPDX-License-Identifier: Apache-2.0
#include "backends/vulkan/fused_layer.hpp"

#include <array>
#include <cstddef>
#include <cstdint>

namespace switchyard::vulkan {
namespace {

using kernels::FusedLayerParams;

// kernels/down_combine/down_combine_vector.comp
constexpr std::int32_t kThreads = 256;
constexpr std::int32_t kLines = 4;
constexpr std::array<std::string_view, 3> kBodies{
    "down_combine_vector_f32", "down_combine_vector_bf16", "down_combine_vector_f16"};

/// A weight, a row and kLines values for each of a token's experts.
[[nodiscard]] std::size_t shared_bytes_of(std::int64_t top_k) noexcept {
  return 4 * static_cast<std::size_t>(top_k * (2 + kLines));
}

}  // namespace

bool runs_fused_layer(const ForwardCall& call, const ProductDevice& device,
                      VulkanBodies bodies) noexcept {
  const LayerConfig& config = call.config;
  return !call.plan_only && (bodies == VulkanBodies::automatic || bodies == VulkanBodies::vector) &&
         config.activation_dtype == config.weight_dtype && config.hidden_size % 8 == 0 &&
         config.intermediate_size % 8 == 0 && call.gate_up_layout == WeightLayout::rows &&
         call.down_layout == WeightLayout::rows &&
         shared_bytes_of(config.top_k) <= device.shared_bytes &&
         runs_route_plan(call, {device.wave_size, device.shared_bytes});
}

bool suits_fused_layer(const ForwardCall& call) noexcept {
  const std::int64_t pairs = call.num_tokens * call.config.top_k;
  return call.num_tokens <= 1 || 2 * pairs <= call.config.num_experts;
}

BodyLaunch down_combine_launch(const FusedLayerParams& params) noexcept {
  const kernels::DownParams& down = params.down;
  BodyLaunch launch{kBodies[static_cast<std::size_t>(down.weight_dtype)],
                    {0, kThreads, shared_bytes_of(params.combine.top_k)}};
  const std::int64_t items =
      kernels::simt::ceil_div(down.hidden_size, kLines) * params.combine.num_tokens;
  if (runs_by_vectors(down)) launch.shape.num_blocks = kernels::simt::blocks_for(items);
  return launch;
}

kernels::DownCombineParams down_combine_params(const FusedLayerParams& params) noexcept {
  const kernels::PlanParams& plan = params.route_plan.plan;
  const kernels::CombineParams& combine = params.combine;
  kernels::DownCombineParams both{};
  both.activated = params.down.activated;
  both.down = params.down.down;
  both.bias = params.down.bias;
  both.selected_ids = plan.selected_ids;
  both.expert_map = plan.expert_map;
  both.pairs_by_token = combine.pairs_by_token;
  both.pair_weights = combine.pair_weights;
  both.shared_rows = combine.shared_rows;
  both.shared_gate = combine.shared_gate;
  both.residual = combine.residual;
  both.live_tokens = combine.live_tokens;
  both.output = combine.output;
  both.num_tokens = combine.num_tokens;
  both.top_k = combine.top_k;
  both.hidden_size = combine.hidden_size;
  both.intermediate_size = params.down.intermediate_size;
  return both;
}

}  // namespace switchyard::vulkan
