// SPDX-License-Identifier: Apache-2.0
#include "backends/vulkan/products.hpp"

#include <algorithm>
#include <array>
#include <cstddef>

#include "kernels/simt_tile.hpp"
#include "switchyard/dtype.hpp"

namespace switchyard::vulkan {
namespace {

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

// kernels/glsl/strip_product.glsl
constexpr std::int32_t kStripLines = 16;
constexpr std::int32_t kStripWaves = 2;
constexpr std::int32_t kStripAhead = 2;  // stages on their way
constexpr std::size_t kStripSharedBytes = kStripWaves * std::size_t{2 * 16 * 9 * 16};
/// Up to so many rows an expert, on average, the strip body is the faster of the two with matrices.
constexpr std::int64_t kFewRows = 4;

/// Blocks that take longer to find out that they have nothing to do than a launch that counts
/// takes.
constexpr std::int64_t kManyBlocks = 4096;

/// The bodies of a stage; those for one dtype by that dtype, "" where there is none.
struct BodyNames {
  using ByDType = std::array<std::string_view, 3>;
  struct WithMatrices {
    ByDType on_device;
    ByDType emulated;
  };

  std::string_view tiled;
  ByDType vector;
  WithMatrices matrix;
  WithMatrices strip;  // where there is one
};
constexpr BodyNames kGateUp{"gate_up",
                            {"gate_up_vector_f32", "gate_up_vector_bf16", "gate_up_vector_f16"},
                            {{"", "gate_up_matrix_bf16", "gate_up_matrix_f16"},
                             {"", "gate_up_matrix_bf16_emulated", "gate_up_matrix_f16_emulated"}},
                            {}};
constexpr BodyNames kDown{"down",
                          {"down_vector_f32", "down_vector_bf16", "down_vector_f16"},
                          {{"", "down_matrix_bf16", "down_matrix_f16"},
                           {"", "down_matrix_bf16_emulated", "down_matrix_f16_emulated"}},
                          {{"", "down_strip_bf16", "down_strip_f16"},
                           {"", "down_strip_bf16_emulated", "down_strip_f16_emulated"}}};

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
  const PackedRow* expert_offsets;
  const std::int32_t* live_tokens;
  std::int32_t block_size;
  DType activation_dtype;
  DType weight_dtype;
  WeightLayout layout;
};

template <class Params>
[[nodiscard]] Product common(const Params& params) noexcept {
  Product product{};
  product.rows = params.max_rows;
  product.experts = std::max(1, params.num_experts);
  product.expert_offsets = params.expert_offsets;
  product.live_tokens = params.live_tokens;
  product.block_size = params.block_size;
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

/// Whether the device has matrices for the bodies that are compiled for waves of 32 or more.
[[nodiscard]] bool multiplies(const ProductDevice& device, DType dtype) noexcept {
  return device.matrices.has(dtype) && device.wave_size >= 32;
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
  if (fits && multiplies(device, product.weight_dtype)) return VulkanBodies::matrix;
  return has_octets(product) ? VulkanBodies::vector : VulkanBodies::tiled;
}

[[nodiscard]] std::size_t tile_bytes(const Product& product, std::int32_t depth) noexcept {
  return static_cast<std::size_t>(kTileRows + product.max_products * kTileColumns) *
         static_cast<std::size_t>(depth + 1) * 4;
}

/// What row tiles of a body are: of so many rows, along the plan's blocks or the experts' rows.
struct RowTiles {
  std::int32_t rows;
  bool in_blocks;
};
constexpr RowTiles kPlanTiles{16, true};
constexpr RowTiles kExpertTiles{kMatrixRows, false};

/// The blocks of a launch: `tile_items` items to a row tile, `block_items` to a block. Many that
/// perhaps nobody needs are counted on the device.
void set_blocks(BodyLaunch& launch, const Product& product, const RowTiles& tiles,
                std::int64_t tile_items, std::int32_t block_items) noexcept {
  kernels::CountBlocksParams count{};
  count.expert_offsets = product.expert_offsets;
  count.live_tokens = product.live_tokens;
  count.max_rows = static_cast<std::int32_t>(product.rows);
  count.num_experts = static_cast<std::int32_t>(product.experts);
  count.block_size = tiles.in_blocks ? product.block_size : 0;
  count.tile_rows = tiles.rows;
  count.tile_items = static_cast<std::int32_t>(tile_items);
  count.block_items = block_items;
  count.max_blocks = static_cast<std::int32_t>(kernels::simt::kMaxBlocks);
  launch.shape.num_blocks = kernels::blocks_of_rows(count, product.rows);
  if (product.live_tokens != nullptr && launch.shape.num_blocks >= kManyBlocks)
    launch.count = count;
}

[[nodiscard]] BodyLaunch tiled(const Product& product, const ProductDevice& device) noexcept {
  std::int32_t depth = kTileDepth;
  while (tile_bytes(product, depth) > device.shared_bytes && depth > 8) depth /= 2;
  BodyLaunch launch{product.bodies.tiled, {0, kTileThreads, tile_bytes(product, depth)}, depth};
  set_blocks(launch, product, kPlanTiles, ceil_div(product.columns, kTileColumns), 1);
  return launch;
}

[[nodiscard]] BodyLaunch vector(const Product& product, const ProductDevice& device) noexcept {
  const std::int64_t per_item = product.vector_lines / product.products;  // columns of the result
  BodyLaunch launch{product.bodies.vector[static_cast<std::size_t>(product.weight_dtype)],
                    {0, kVectorThreads, 0}};
  set_blocks(launch, product, kPlanTiles, ceil_div(product.columns, per_item),
             kVectorThreads / device.wave_size);
  return launch;
}

[[nodiscard]] std::string_view with_matrices(const BodyNames::WithMatrices& bodies,
                                             const Product& product,
                                             const ProductDevice& device) noexcept {
  const bool on_device = multiplies(device, product.weight_dtype);
  return (on_device ? bodies.on_device
                    : bodies.emulated)[static_cast<std::size_t>(product.weight_dtype)];
}

[[nodiscard]] BodyLaunch matrix(const Product& product, const ProductDevice& device) noexcept {
  BodyLaunch launch{with_matrices(product.bodies.matrix, product, device),
                    {0, kMatrixWaves * device.wave_size, kMatrixSharedBytes}};
  set_blocks(launch, product, kExpertTiles,
             ceil_div(product.columns * product.products, kMatrixLines), 1);
  return launch;
}

/// Both bodies with matrices give the same bits: how many rows there are may decide.
[[nodiscard]] bool runs_in_strips(const Product& product) noexcept {
  return !product.bodies.strip.on_device.back().empty() &&
         product.rows <=
             kFewRows *
                 std::min(product.rows, product.expert_offsets != nullptr ? product.experts : 1);
}

[[nodiscard]] BodyLaunch strip(const Product& product, const ProductDevice& device) noexcept {
  BodyLaunch launch{with_matrices(product.bodies.strip, product, device),
                    {0, kStripWaves * device.wave_size, kStripSharedBytes},
                    kStripAhead};
  set_blocks(launch, product, kPlanTiles, ceil_div(product.columns, kStripLines / product.products),
             kStripWaves);
  return launch;
}

[[nodiscard]] BodyLaunch plan(const Product& product, const ProductDevice& device,
                              VulkanBodies bodies) noexcept {
  switch (choose(product, device, bodies)) {
    case VulkanBodies::matrix:
      return runs_in_strips(product) ? strip(product, device) : matrix(product, device);
    case VulkanBodies::vector:
      return vector(product, device);
    default:
      return tiled(product, device);
  }
}

[[nodiscard]] Product product_of(const kernels::GateUpParams& params) noexcept {
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
  return product;
}

[[nodiscard]] Product product_of(const kernels::DownParams& params) noexcept {
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
  return product;
}

}  // namespace

BodyLaunch plan_product(const kernels::GateUpParams& params, const ProductDevice& device,
                        VulkanBodies bodies) noexcept {
  return plan(product_of(params), device, bodies);
}

BodyLaunch plan_product(const kernels::DownParams& params, const ProductDevice& device,
                        VulkanBodies bodies) noexcept {
  return plan(product_of(params), device, bodies);
}

bool runs_by_vectors(const kernels::DownParams& params) noexcept {
  return has_octets(product_of(params));
}

}  // namespace switchyard::vulkan
