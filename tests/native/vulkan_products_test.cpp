// SPDX-License-Identifier: Apache-2.0
// Which body runs a product on a device, and in which shape.
#include "backends/vulkan/products.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "kernels/simt_tile.hpp"
#include "support/catch.hpp"

using namespace switchyard;
using namespace switchyard::vulkan;

namespace {

constexpr MatrixSupport kAll{true, true};

template <class Params>
Params product(std::int64_t rows, std::int64_t experts, DType dtype = DType::bf16) {
  static const PackedRow plan{};
  Params params{};
  params.max_rows = static_cast<std::int32_t>(rows);
  params.num_experts = static_cast<std::int32_t>(experts);
  params.hidden_size = 2048;
  params.intermediate_size = 768;
  params.block_size = 16;
  params.activation_dtype = params.weight_dtype = dtype;
  params.expert_offsets = &plan;
  return params;
}

std::string body(const kernels::GateUpParams& params, const ProductDevice& device,
                 VulkanBodies bodies = VulkanBodies::automatic) {
  return std::string(plan_product(params, device, bodies).body);
}

const ProductDevice kMatrixDevice{32, 48 * 1024, kAll};
const ProductDevice kPlainDevice{32, 48 * 1024, {}};

}  // namespace

TEST_CASE("vulkan: the device decides between matrices and vectors, the rows do not", "[vulkan]") {
  for (const std::int64_t rows : {1, 8, 512, 32768, 1 << 20}) {
    const auto params = product<kernels::GateUpParams>(rows, 128);
    CHECK(body(params, kMatrixDevice) == "gate_up_matrix_bf16");
    CHECK(body(params, kPlainDevice) == "gate_up_vector_bf16");
    const auto f32 = product<kernels::DownParams>(rows, 128, DType::f32);
    CHECK(plan_product(f32, kMatrixDevice, VulkanBodies::automatic).body == "down_vector_f32");
    const auto f16 = product<kernels::DownParams>(rows, 128, DType::f16);
    CHECK(plan_product(f16, kMatrixDevice, VulkanBodies::automatic).body ==
          (rows <= 512 ? "down_strip_f16" : "down_matrix_f16"));  // which give the same bits
  }
}

TEST_CASE("vulkan: what a body cannot run goes to the tiled one", "[vulkan]") {
  const auto check = [](auto change, const char* vector, const char* matrix) {
    auto params = product<kernels::GateUpParams>(32768, 128);
    change(params);
    CHECK(body(params, kMatrixDevice, VulkanBodies::vector) == vector);
    CHECK(body(params, kMatrixDevice, VulkanBodies::matrix) == matrix);
    CHECK(body(params, kMatrixDevice, VulkanBodies::tiled) == "gate_up");
  };
  using Params = kernels::GateUpParams;
  const char* const vector = "gate_up_vector_bf16";
  const char* const tiled = "gate_up";
  check([](Params&) {}, vector, "gate_up_matrix_bf16");
  check([](Params& p) { p.hidden_size = 2047; }, tiled, tiled);
  check([](Params& p) { p.intermediate_size = 767; }, vector, tiled);
  check([](Params& p) { p.activation_dtype = DType::f32; }, tiled, tiled);
  check([](Params& p) { p.activation_dtype = p.weight_dtype = DType::f32; }, "gate_up_vector_f32",
        tiled);
  check([](Params& p) { p.weight_layout = WeightLayout::panels8; }, tiled, tiled);
  static const std::byte bytes[64] = {};
  const auto odd = reinterpret_cast<std::uintptr_t>(bytes) % 16 == 8 ? bytes + 16 : bytes + 8;
  check([&](Params& p) { p.hidden_states = odd; }, tiled, tiled);
  check([&](Params& p) { p.gate_up = odd; }, tiled, tiled);
  check([&](Params& p) { p.activated = const_cast<std::byte*>(odd); }, vector, tiled);
}

TEST_CASE("vulkan: matrices are used where the device has those of the dtype", "[vulkan]") {
  const auto params = product<kernels::GateUpParams>(32768, 128);
  const auto with = [&](const ProductDevice& device, VulkanBodies bodies) {
    return body(params, device, bodies);
  };
  const ProductDevice f16_alone{32, 48 * 1024, {true, false}};
  CHECK(with(f16_alone, VulkanBodies::automatic) == "gate_up_vector_bf16");
  CHECK(with(f16_alone, VulkanBodies::matrix) == "gate_up_matrix_bf16_emulated");
  CHECK(with(kPlainDevice, VulkanBodies::matrix) == "gate_up_matrix_bf16_emulated");
  CHECK(with({64, 48 * 1024, kAll}, VulkanBodies::matrix) == "gate_up_matrix_bf16");
  CHECK(with({32, 16 * 1024, kAll}, VulkanBodies::matrix) == "gate_up");
}

TEST_CASE("vulkan: launch shapes fit 16, 32 and 48 KiB and waves of 8 to 64", "[vulkan]") {
  for (const std::size_t kib : {16U, 32U, 48U})
    for (const int wave : {8, 16, 32, 64})
      for (const VulkanBodies bodies : {VulkanBodies::automatic, VulkanBodies::tiled,
                                        VulkanBodies::vector, VulkanBodies::matrix})
        for (const std::int64_t rows : {1, 8, 100, 512, 4096, 1 << 20}) {
          INFO(kib << " KiB, wave " << wave << ", " << name(bodies) << ", rows " << rows);
          const ProductDevice device{wave, kib * 1024, kAll};
          const auto check = [&](const auto& params, std::int64_t columns, int lines) {
            const BodyLaunch launch = plan_product(params, device, bodies);
            const kernels::simt::LaunchShape& shape = launch.shape;
            CHECK(shape.shared_bytes <= device.shared_bytes);
            CHECK(shape.num_threads % wave == 0);
            CHECK(shape.num_threads <= kernels::simt::kMaxThreads);
            CHECK(shape.num_blocks > 0);
            CHECK(shape.num_blocks <= kernels::simt::kMaxBlocks);
            if (shape.num_blocks == kernels::simt::kMaxBlocks) return;  // blocks go round
            // Every sum has its place in a block.
            const std::int64_t waves = shape.num_threads / wave;
            const std::int64_t row_tiles = kernels::simt::num_row_tiles(params);
            const bool is_vector = launch.body.find("_vector") != std::string_view::npos;
            const bool is_matrix = launch.body.find("_matrix") != std::string_view::npos;
            const bool is_strip = launch.body.find("_strip") != std::string_view::npos;
            const std::int64_t per_wave = lines == 2 ? 2 : 4;
            const std::int64_t per_block = is_vector   ? waves * per_wave
                                           : is_strip  ? waves * 16
                                           : is_matrix ? 128
                                                       : 64 * lines;
            const std::int64_t tiles = is_matrix ? (rows + 63) / 64 : row_tiles;
            CHECK(shape.num_blocks * per_block >= tiles * columns * lines);
            if (launch.depth != 0 && !is_strip)
              CHECK((launch.depth == 8 || launch.depth == 16 || launch.depth == 32));
          };
          check(product<kernels::GateUpParams>(rows, 128), 768, 2);
          check(product<kernels::DownParams>(rows, 128), 2048, 1);
        }
}

TEST_CASE("vulkan: the device counts blocks where there may be many that nobody needs",
          "[vulkan]") {
  static const std::int32_t live{};
  auto params = product<kernels::GateUpParams>(32768, 128);
  for (const VulkanBodies bodies :
       {VulkanBodies::tiled, VulkanBodies::vector, VulkanBodies::matrix}) {
    INFO(name(bodies));
    params.live_tokens = nullptr;
    const BodyLaunch known = plan_product(params, kMatrixDevice, bodies);
    CHECK_FALSE(known.count.has_value());
    params.live_tokens = &live;
    const BodyLaunch counted = plan_product(params, kMatrixDevice, bodies);
    CHECK(counted.shape.num_blocks == known.shape.num_blocks);
    REQUIRE(counted.count.has_value());
    CHECK(kernels::blocks_of_rows(*counted.count, 32768) == known.shape.num_blocks);
    CHECK(kernels::blocks_of_rows(*counted.count, 0) == 0);
    for (const std::int64_t rows : {1, 8, 129, 5000}) {
      const auto fewer = product<kernels::GateUpParams>(rows, 128);
      CHECK(kernels::blocks_of_rows(*counted.count, rows) ==
            plan_product(fewer, kMatrixDevice, bodies).shape.num_blocks);
    }
  }
  params.max_rows = 8;
  CHECK_FALSE(plan_product(params, kMatrixDevice, VulkanBodies::automatic).count.has_value());
}

TEST_CASE("vulkan: a launch without rows has no blocks", "[vulkan]") {
  for (const VulkanBodies bodies :
       {VulkanBodies::tiled, VulkanBodies::vector, VulkanBodies::matrix})
    CHECK(plan_product(product<kernels::GateUpParams>(0, 128), kMatrixDevice, bodies)
              .shape.num_blocks == 0);
}
