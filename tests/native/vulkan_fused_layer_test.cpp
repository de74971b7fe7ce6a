// SPDX-License-Identifier: Apache-2.0
// Vulkan's layer of few tokens in few launches: which calls it takes, its launches, and that it
// gives the bits of the launches that it stands for.
#include "backends/vulkan/fused_layer.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "native/support/vulkan_draw.hpp"
#include "support/catch.hpp"
#include "support/scale.hpp"
#include "switchyard/backends/cpu.hpp"

using namespace switchyard;
using namespace switchyard::test;

namespace {

const vulkan::ProductDevice kDevice{32, 48 * 1024, {true, true}};

LayerConfig qwen() {
  LayerConfig config{.hidden_size = 2048,
                     .intermediate_size = 768,
                     .num_experts = 128,
                     .top_k = 8,
                     .router = routers::qwen3_moe(true)};
  config.activation_dtype = config.weight_dtype = DType::bf16;
  return config;
}

bool suits(std::int64_t tokens, std::int64_t experts, std::int64_t top_k) {
  LayerConfig config = qwen();
  config.num_experts = experts;
  config.top_k = top_k;
  return vulkan::suits_fused_layer({.config = config, .num_tokens = tokens});
}

kernels::FusedLayerParams params_of(const LayerConfig& config, std::int32_t tokens) {
  kernels::FusedLayerParams params{};
  const auto top_k = static_cast<std::int32_t>(config.top_k);
  const auto experts = static_cast<std::int32_t>(config.num_experts);
  kernels::PlanParams& plan = params.route_plan.plan;
  plan.num_tokens = params.route_plan.route.num_tokens = params.combine.num_tokens = tokens;
  plan.top_k = params.route_plan.route.top_k = params.combine.top_k = params.gate_up.top_k = top_k;
  plan.num_experts = plan.num_local_experts = params.route_plan.route.num_experts = experts;
  params.route_plan.route.num_groups = 1;
  plan.block_size = params.gate_up.block_size = params.down.block_size = 16;
  params.gate_up.max_rows = params.down.max_rows = tokens * top_k;
  params.gate_up.num_experts = params.down.num_experts = experts;
  params.gate_up.hidden_size = params.down.hidden_size = params.combine.hidden_size =
      static_cast<std::int32_t>(config.hidden_size);
  params.gate_up.intermediate_size = params.down.intermediate_size =
      static_cast<std::int32_t>(config.intermediate_size);
  params.gate_up.activation_dtype = params.gate_up.weight_dtype = params.down.activation_dtype =
      params.down.weight_dtype = params.combine.activation_dtype = config.activation_dtype;
  return params;
}

std::vector<std::string> launches_of(const kernels::FusedLayerParams& params) {
  std::vector<std::string> bodies;
  vulkan::for_each_fused_layer_launch(
      params, kDevice, [&bodies](const vulkan::BodyLaunch& launch, std::span<const std::byte>) {
        CHECK(launch.shape.num_blocks > 0);
        bodies.emplace_back(launch.body);
      });
  return bodies;
}

}  // namespace

TEST_CASE("vulkan: few tokens whose experts have about a row each suit the fused layer",
          "[vulkan]") {
  CHECK(suits(0, 128, 8));
  CHECK(suits(8, 128, 8));
  CHECK_FALSE(suits(9, 128, 8));
  CHECK(suits(1, 8, 8));
  CHECK(suits(2, 8, 2));
  CHECK_FALSE(suits(3, 8, 2));
}

TEST_CASE("vulkan: the fused layer runs calls of one dtype, rows of whole octets and any router",
          "[vulkan]") {
  const auto runs = [](auto change, VulkanBodies bodies = VulkanBodies::automatic) {
    LayerConfig config = qwen();
    ForwardCall call{.config = config, .num_tokens = 4};
    change(config, call);
    return vulkan::runs_fused_layer(call, kDevice, bodies);
  };
  const auto nothing = [](LayerConfig&, ForwardCall&) {};
  CHECK(runs(nothing));
  CHECK(runs(nothing, VulkanBodies::vector));
  CHECK_FALSE(runs(nothing, VulkanBodies::matrix));
  CHECK_FALSE(runs(nothing, VulkanBodies::tiled));
  CHECK(runs([](LayerConfig&, ForwardCall& call) { call.num_tokens = 4096; }));
  CHECK(runs([](LayerConfig& config, ForwardCall&) {
    config.activation_dtype = config.weight_dtype = DType::f32;
  }));
  CHECK_FALSE(runs([](LayerConfig& config, ForwardCall&) { config.weight_dtype = DType::f16; }));
  CHECK_FALSE(runs([](LayerConfig& config, ForwardCall&) { config.hidden_size = 2044; }));
  CHECK_FALSE(runs([](LayerConfig& config, ForwardCall&) { config.intermediate_size = 764; }));
  CHECK_FALSE(runs([](LayerConfig&, ForwardCall& call) { call.plan_only = true; }));
  CHECK_FALSE(
      runs([](LayerConfig&, ForwardCall& call) { call.down_layout = WeightLayout::panels8; }));
}

TEST_CASE("vulkan: the fused layer of few tokens is three launches", "[vulkan]") {
  const std::vector<std::string> fused{"route_plan_block_4", "gate_up_vector_bf16",
                                       "down_combine_vector_bf16"};
  CHECK(launches_of(params_of(qwen(), 1)) == fused);
  CHECK(launches_of(params_of(qwen(), 8)) == fused);

  const vulkan::BodyLaunch launch = vulkan::down_combine_launch(params_of(qwen(), 3));
  CHECK(launch.shape.num_blocks == 3 * 2048 / 4);
  CHECK(launch.shape.shared_bytes == 8 * 6 * 4);
}

TEST_CASE("vulkan: where 16 does not divide an address down and combine are launched one by one",
          "[vulkan]") {
  static const std::byte bytes[64] = {};
  kernels::FusedLayerParams params = params_of(qwen(), 1);
  params.down.activated =
      reinterpret_cast<std::uintptr_t>(bytes) % 16 == 8 ? bytes + 16 : bytes + 8;
  CHECK(launches_of(params) ==
        std::vector<std::string>{"route_plan_block_4", "gate_up_vector_bf16", "down", "combine"});
}

TEMPLATE_LIST_TEST_CASE("vulkan: the fused layer gives the bits of the launches it stands for",
                        "[native][vulkan][bodies]", Backends) {
  if constexpr (std::is_same_v<TestType, VulkanBackend>) {
    Session<CpuBackend> cpu;
    Session<VulkanBackend> session = session_of(VulkanBodies::vector);
    const std::int64_t count = scaled(1000);
    std::int64_t num_fused = 0;
    const CasePart part = case_part();
    for (std::int64_t i = part.first; i < count; i += part.step) {
      Random random(9'500'000 + static_cast<std::uint64_t>(i));
      LayerDraw drawn = draw_for_vulkan(random, 40);
      const auto poison = kPoisons[static_cast<std::size_t>(i) % std::size(kPoisons)];
      drawn.options.forward_path = ForwardPath::fused_layer;
      MoeLayer<VulkanBackend> layer(session.backend, session.stream, drawn.layer.config,
                                    drawn.layer.host(), drawn.options);
      if (layer.describe(1).find("path fused_layer") == std::string::npos) continue;
      ++num_fused;
      const Outcome fused = run_call(session, layer, drawn.call, {true, Placement::slab, poison});
      drawn.options.forward_path = ForwardPath::route_plan;
      const Outcome apart = run(session, drawn, poison);
      INFO("case " << i << ", T " << drawn.call.num_tokens << " " << describe(drawn.layer.config));
      CHECK(fused.intact);
      CHECK(fused.plan == apart.plan);
      CHECK(fused.output == apart.output);
      drawn.options.forward_path.reset();
      if (overflows(drawn, run(cpu, drawn, poison))) continue;
      double worst = 0.0;
      CHECK(fault(drawn, fused, worst) == "");
    }
    CHECK(num_fused > 0);
  } else {
    SUCCEED("another backend");
  }
}
