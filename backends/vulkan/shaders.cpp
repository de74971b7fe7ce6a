// SPDX-License-Identifier: Apache-2.0
#include "backends/vulkan/shaders.hpp"

#include <array>

namespace switchyard::vulkan {
namespace {

constexpr std::uint32_t kCombine[] = {
#include "backends/vulkan/spirv/combine.inc"
};
constexpr std::uint32_t kDown[] = {
#include "backends/vulkan/spirv/down.inc"
};
constexpr std::uint32_t kGate[] = {
#include "backends/vulkan/spirv/gate.inc"
};
constexpr std::uint32_t kGateUp[] = {
#include "backends/vulkan/spirv/gate_up.inc"
};
constexpr std::uint32_t kPlanBlock[] = {
#include "backends/vulkan/spirv/plan_block.inc"
};
constexpr std::uint32_t kPlanCount[] = {
#include "backends/vulkan/spirv/plan_count.inc"
};
constexpr std::uint32_t kPlanFill[] = {
#include "backends/vulkan/spirv/plan_fill.inc"
};
constexpr std::uint32_t kPlanScan[] = {
#include "backends/vulkan/spirv/plan_scan.inc"
};
constexpr std::uint32_t kPlanScatter[] = {
#include "backends/vulkan/spirv/plan_scatter.inc"
};
constexpr std::uint32_t kRoute[] = {
#include "backends/vulkan/spirv/route.inc"
};

constexpr std::array kShaders{
    Shader{"combine", kCombine},
    Shader{"down", kDown},
    Shader{"gate", kGate},
    Shader{"gate_up", kGateUp},
    Shader{"plan_block", kPlanBlock},
    Shader{"plan_count", kPlanCount},
    Shader{"plan_fill", kPlanFill},
    Shader{"plan_scan", kPlanScan},
    Shader{"plan_scatter", kPlanScatter},
    Shader{"route", kRoute},
};

}  // namespace

std::span<const Shader> shaders() noexcept {
  return kShaders;
}

}  // namespace switchyard::vulkan
