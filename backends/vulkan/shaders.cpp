// SPDX-License-Identifier: Apache-2.0
#include "backends/vulkan/shaders.hpp"

#include <array>

namespace switchyard::vulkan {
namespace {

constexpr std::uint32_t kCombine[] = {
#include "backends/vulkan/spirv/combine.inc"
};
constexpr std::uint32_t kCountBlocks[] = {
#include "backends/vulkan/spirv/count_blocks.inc"
};
constexpr std::uint32_t kDown[] = {
#include "backends/vulkan/spirv/down.inc"
};
constexpr std::uint32_t kDownCombineVectorBf16[] = {
#include "backends/vulkan/spirv/down_combine_vector_bf16.inc"
};
constexpr std::uint32_t kDownCombineVectorF16[] = {
#include "backends/vulkan/spirv/down_combine_vector_f16.inc"
};
constexpr std::uint32_t kDownCombineVectorF32[] = {
#include "backends/vulkan/spirv/down_combine_vector_f32.inc"
};
constexpr std::uint32_t kDownMatrixBf16[] = {
#include "backends/vulkan/spirv/down_matrix_bf16.inc"
};
constexpr std::uint32_t kDownMatrixBf16Emulated[] = {
#include "backends/vulkan/spirv/down_matrix_bf16_emulated.inc"
};
constexpr std::uint32_t kDownMatrixF16[] = {
#include "backends/vulkan/spirv/down_matrix_f16.inc"
};
constexpr std::uint32_t kDownMatrixF16Emulated[] = {
#include "backends/vulkan/spirv/down_matrix_f16_emulated.inc"
};
constexpr std::uint32_t kDownStripBf16[] = {
#include "backends/vulkan/spirv/down_strip_bf16.inc"
};
constexpr std::uint32_t kDownStripBf16Emulated[] = {
#include "backends/vulkan/spirv/down_strip_bf16_emulated.inc"
};
constexpr std::uint32_t kDownStripF16[] = {
#include "backends/vulkan/spirv/down_strip_f16.inc"
};
constexpr std::uint32_t kDownStripF16Emulated[] = {
#include "backends/vulkan/spirv/down_strip_f16_emulated.inc"
};
constexpr std::uint32_t kDownVectorBf16[] = {
#include "backends/vulkan/spirv/down_vector_bf16.inc"
};
constexpr std::uint32_t kDownVectorF16[] = {
#include "backends/vulkan/spirv/down_vector_f16.inc"
};
constexpr std::uint32_t kDownVectorF32[] = {
#include "backends/vulkan/spirv/down_vector_f32.inc"
};
constexpr std::uint32_t kGate[] = {
#include "backends/vulkan/spirv/gate.inc"
};
constexpr std::uint32_t kGateUp[] = {
#include "backends/vulkan/spirv/gate_up.inc"
};
constexpr std::uint32_t kGateUpMatrixBf16[] = {
#include "backends/vulkan/spirv/gate_up_matrix_bf16.inc"
};
constexpr std::uint32_t kGateUpMatrixBf16Emulated[] = {
#include "backends/vulkan/spirv/gate_up_matrix_bf16_emulated.inc"
};
constexpr std::uint32_t kGateUpMatrixF16[] = {
#include "backends/vulkan/spirv/gate_up_matrix_f16.inc"
};
constexpr std::uint32_t kGateUpMatrixF16Emulated[] = {
#include "backends/vulkan/spirv/gate_up_matrix_f16_emulated.inc"
};
constexpr std::uint32_t kGateUpVectorBf16[] = {
#include "backends/vulkan/spirv/gate_up_vector_bf16.inc"
};
constexpr std::uint32_t kGateUpVectorF16[] = {
#include "backends/vulkan/spirv/gate_up_vector_f16.inc"
};
constexpr std::uint32_t kGateUpVectorF32[] = {
#include "backends/vulkan/spirv/gate_up_vector_f32.inc"
};
constexpr std::uint32_t kPlaceTile[] = {
#include "backends/vulkan/spirv/place_tile.inc"
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
constexpr std::uint32_t kProbeReads[] = {
#include "backends/vulkan/spirv/probe_reads.inc"
};
constexpr std::uint32_t kRoute[] = {
#include "backends/vulkan/spirv/route.inc"
};
constexpr std::uint32_t kRoutePlanBlock4[] = {
#include "backends/vulkan/spirv/route_plan_block_4.inc"
};
constexpr std::uint32_t kRoutePlanBlock8[] = {
#include "backends/vulkan/spirv/route_plan_block_8.inc"
};
constexpr std::uint32_t kRoutePlanBlock16[] = {
#include "backends/vulkan/spirv/route_plan_block_16.inc"
};
constexpr std::uint32_t kRouteTile4[] = {
#include "backends/vulkan/spirv/route_tile_4.inc"
};
constexpr std::uint32_t kRouteTile8[] = {
#include "backends/vulkan/spirv/route_tile_8.inc"
};
constexpr std::uint32_t kRouteTile16[] = {
#include "backends/vulkan/spirv/route_tile_16.inc"
};
constexpr std::uint32_t kScanTiles[] = {
#include "backends/vulkan/spirv/scan_tiles.inc"
};

constexpr std::array kShaders{
    Shader{"combine", kCombine, true},
    Shader{"count_blocks", kCountBlocks},
    Shader{"down", kDown},
    Shader{"down_combine_vector_bf16", kDownCombineVectorBf16, true},
    Shader{"down_combine_vector_f16", kDownCombineVectorF16, true},
    Shader{"down_combine_vector_f32", kDownCombineVectorF32, true},
    Shader{"down_matrix_bf16", kDownMatrixBf16},
    Shader{"down_matrix_bf16_emulated", kDownMatrixBf16Emulated},
    Shader{"down_matrix_f16", kDownMatrixF16},
    Shader{"down_matrix_f16_emulated", kDownMatrixF16Emulated},
    Shader{"down_strip_bf16", kDownStripBf16},
    Shader{"down_strip_bf16_emulated", kDownStripBf16Emulated},
    Shader{"down_strip_f16", kDownStripF16},
    Shader{"down_strip_f16_emulated", kDownStripF16Emulated},
    Shader{"down_vector_bf16", kDownVectorBf16},
    Shader{"down_vector_f16", kDownVectorF16},
    Shader{"down_vector_f32", kDownVectorF32},
    Shader{"gate", kGate, true},
    Shader{"gate_up", kGateUp},
    Shader{"gate_up_matrix_bf16", kGateUpMatrixBf16},
    Shader{"gate_up_matrix_bf16_emulated", kGateUpMatrixBf16Emulated},
    Shader{"gate_up_matrix_f16", kGateUpMatrixF16},
    Shader{"gate_up_matrix_f16_emulated", kGateUpMatrixF16Emulated},
    Shader{"gate_up_vector_bf16", kGateUpVectorBf16},
    Shader{"gate_up_vector_f16", kGateUpVectorF16},
    Shader{"gate_up_vector_f32", kGateUpVectorF32},
    Shader{"place_tile", kPlaceTile},
    Shader{"plan_block", kPlanBlock},
    Shader{"plan_count", kPlanCount},
    Shader{"plan_fill", kPlanFill},
    Shader{"plan_scan", kPlanScan},
    Shader{"plan_scatter", kPlanScatter},
    Shader{"probe_reads", kProbeReads},
    Shader{"route", kRoute, true},
    Shader{"route_plan_block_4", kRoutePlanBlock4, true},
    Shader{"route_plan_block_8", kRoutePlanBlock8, true},
    Shader{"route_plan_block_16", kRoutePlanBlock16, true},
    Shader{"route_tile_4", kRouteTile4, true},
    Shader{"route_tile_8", kRouteTile8, true},
    Shader{"route_tile_16", kRouteTile16, true},
    Shader{"scan_tiles", kScanTiles},
};

}  // namespace

std::span<const Shader> shaders() noexcept {
  return kShaders;
}

}  // namespace switchyard::vulkan
