// SPDX-License-Identifier: Apache-2.0
#include "backends/vulkan/products.hpp"

#include <algorithm>
#include <array>
#include <cstddef>

#include "kernels/simt_tile.hpp"
#include "switchyard/dtype.hpp"

namespace switchyard::vulkan {
namespace {

using kernels::simt::blocks_for;
using kernels::simt::ceil_div;
using kernels::simt::LaunchShape;

// kernels/glsl/tile.glsl
constexpr std::int32_t kTileThreads = 128;
constexpr std::int32_t kTileRows = 16;
constexpr std::int32_t kTileColumns = 64;
constexpr std::int32_t kTileDepth = 32;
// kernels/glsl/vector_product.glsl
constexpr std::int32_t kVectorThreads = 128;
// kernels/glsl/matrix_product.glsl
constexpr std::int32_t kMatrixRows = 64;
constexpr std::int32_t kMatrixLines = 128;
constexpr std::int32_t kMatrixWaves = 4;
constexpr std::size_t kMatrixSharedBytes = (kMatrixRows + kMatrixLines) * std::size_t{9 * 16};

/// The bodies of a stage; those for one dtype by that dtype, "" where there is none.
struct BodyNames {
  using ByDType = std::array<std::string_view, 3>;

  std::string_view tiled;
  ByDType vector;
  ByDType matrix;
  ByDType emulated_matrix;
};
constexpr BodyNames kGateUp{"gate_up",
                            {"gate_up_vector_f32", "gate_up_vector_bf16", "gate_up_vector_f16"},
                            {"", "gate_up_matrix_bf16", "gate_up_matrix_f16"},
                            {"", "gate_up_matrix_bf16_emulated", "gate_up_matrix_f16_emulated"}};
constexpr BodyNames kDown{"down",
                          {"down_vector_f32", "down_vector_bf16", "down_vector_f16"},
                          {"", "down_matrix_bf16", "down_matrix_f16"},
                          {"", "down_matrix_bf16_emulated", "down_matrix_f16_emulated"}};

/// A product as its launch sees it.
struct Product {
  BodyNames bodies;
  const void* x;
  const void* w;
  const void* result;
  std::int64_t depth;         // the inner dimension
  std::int64_t columns;       // of the result
  std::int32_t products;      // rows of w that a column of the result needs
  std::int32_t max_products;  // that the tiled body stages
  std::int32_t vector_lines;  // rows of w that a wave of the vector body takes
  std::int64_t rows;
  std::int64_t experts;
  bool has_plan;
  std::int64_t row_tiles;  // of 16 rows
  DType activation_dtype;
  DType weight_dtype;
  WeightLayout layout;
};

template <class Params>
[[nodiscard]] Product common(const Params& params) noexcept {
  Product product{};
  product.rows = params.max_rows;
  product.experts = std::max(1, params.num_experts);
  product.has_plan = params.expert_offsets != nullptr;
  product.row_tiles = kernels::simt::num_row_tiles(params);
  product.activation_dtype = params.activation_dtype;
  product.weight_dtype = params.weight_dtype;
  product.layout = params.weight_layout;
  return product;
}

[[nodiscard]] bool divides_16(const void* address) noexcept {
  return reinterpret_cast<std::uintptr_t>(address) % 16 == 0;
}

[[nodiscard]] bool has_octets(const Product& product) noexcept {
  return product.depth % 8 == 0 && divides_16(product.x) && divides_16(product.w) &&
         product.layout == WeightLayout::rows && product.activation_dtype == product.weight_dtype;
}

[[nodiscard]] bool fits_matrix(const Product& product, const ProductDevice& device) noexcept {
  return has_octets(product) && size_of(product.activation_dtype) == 2 &&
         product.columns % 8 == 0 && divides_16(product.result) &&
         device.shared_bytes >= kMatrixSharedBytes &&
         kMatrixWaves * device.wave_size <= kernels::simt::kMaxThreads;
}

/// The choice knows nothing of the number of rows: bodies differ in their last bits, and a row's
/// result must not depend on how many others there are.
[[nodiscard]] VulkanBodies choose(const Product& product, const ProductDevice& device,
                                  VulkanBodies bodies) noexcept {
  const bool fits = fits_matrix(product, device);
  switch (bodies) {
    case VulkanBodies::matrix:
      return fits ? VulkanBodies::matrix : VulkanBodies::tiled;
    case VulkanBodies::vector:
      return has_octets(product) ? VulkanBodies::vector : VulkanBodies::tiled;
    case VulkanBodies::tiled:
      return VulkanBodies::tiled;
    case VulkanBodies::automatic:
      break;
  }
  if (fits && device.matrices.has(product.weight_dtype)) return VulkanBodies::matrix;
  return has_octets(product) ? VulkanBodies::vector : VulkanBodies::tiled;
}

[[nodiscard]] std::size_t tile_bytes(const Product& product, std::int32_t depth) noexcept {
  return static_cast<std::size_t>(kTileRows + product.max_products * kTileColumns) *
         static_cast<std::size_t>(depth + 1) * 4;
}

[[nodiscard]] BodyLaunch tiled(const Product& product, const ProductDevice& device) noexcept {
  std::int32_t depth = kTileDepth;
  while (tile_bytes(product, depth) > device.shared_bytes && depth > 8) depth /= 2;
  const std::int64_t tiles = product.row_tiles * ceil_div(product.columns, kTileColumns);
  return {product.bodies.tiled,
          LaunchShape{blocks_for(tiles), kTileThreads, tile_bytes(product, depth)}, depth};
}

[[nodiscard]] BodyLaunch vector(const Product& product, const ProductDevice& device) noexcept {
  const std::int64_t per_item = product.vector_lines / product.products;  // columns of the result
  const std::int64_t items = product.row_tiles * ceil_div(product.columns, per_item);
  const std::int64_t waves = kVectorThreads / device.wave_size;
  return {product.bodies.vector[static_cast<std::size_t>(product.weight_dtype)],
          LaunchShape{blocks_for(ceil_div(items, waves)), kVectorThreads, 0}};
}

[[nodiscard]] BodyLaunch matrix(const Product& product, const ProductDevice& device) noexcept {
  const std::int64_t full = ceil_div(product.rows, kMatrixRows);
  const std::int64_t row_tiles =
      product.has_plan ? full + std::min(product.rows, product.experts) : full;
  const std::int64_t column_tiles = ceil_div(product.columns * product.products, kMatrixLines);
  const BodyNames::ByDType& bodies = device.matrices.has(product.weight_dtype)
                                         ? product.bodies.matrix
                                         : product.bodies.emulated_matrix;
  return {bodies[static_cast<std::size_t>(product.weight_dtype)],
          LaunchShape{blocks_for(row_tiles * column_tiles), kMatrixWaves * device.wave_size,
                      kMatrixSharedBytes}};
}

[[nodiscard]] BodyLaunch plan(const Product& product, const ProductDevice& device,
                              VulkanBodies bodies) noexcept {
  switch (choose(product, device, bodies)) {
    case VulkanBodies::matrix:
      return matrix(product, device);
    case VulkanBodies::vector:
      return vector(product, device);
    default:
      return tiled(product, device);
  }
}

}  // namespace

BodyLaunch plan_product(const kernels::GateUpParams& params, const ProductDevice& device,
                        VulkanBodies bodies) noexcept {
  Product product = common(params);
  product.bodies = kGateUp;
  product.x = params.hidden_states;
  product.w = params.gate_up;
  product.result = params.activated;
  product.depth = params.hidden_size;
  product.columns = params.intermediate_size;
  product.products = has_gate(params) ? 2 : 1;
  product.max_products = 2;
  product.vector_lines = 2;
  return plan(product, device, bodies);
}

BodyLaunch plan_product(const kernels::DownParams& params, const ProductDevice& device,
                        VulkanBodies bodies) noexcept {
  Product product = common(params);
  product.bodies = kDown;
  product.x = params.activated;
  product.w = params.down;
  product.result = params.expert_rows;
  product.depth = params.intermediate_size;
  product.columns = params.hidden_size;
  product.products = 1;
  product.max_products = 1;
  product.vector_lines = 4;
  return plan(product, device, bodies);
}

}  // namespace switchyard::vulkan
