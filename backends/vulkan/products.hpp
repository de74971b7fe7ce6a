// SPDX-License-Identifier: Apache-2.0
// Which body runs a matrix product, and in which shape: pure functions of what the host knows.
#pragma once

#include <cstdint>

#include "backends/vulkan/body_launch.hpp"
#include "backends/vulkan/matrix_support.hpp"
#include "kernels/down/params.hpp"
#include "kernels/gate_up/params.hpp"
#include "switchyard/backends/vulkan.hpp"

namespace switchyard::vulkan {

/// What of a device decides how products run.
struct ProductDevice {
  int wave_size = 0;
  std::size_t shared_bytes = 0;  ///< That a workgroup may have.
  MatrixSupport matrices;
};

/// The launch of a product. `bodies` is what was asked for; `automatic` is the matrix body where
/// the device multiplies matrices of the dtype, else the vector body, else the tiled one: the first
/// that can run the product's extents, whatever its number of rows.
[[nodiscard]] BodyLaunch plan_product(const kernels::GateUpParams& params,
                                      const ProductDevice& device, VulkanBodies bodies) noexcept;
[[nodiscard]] BodyLaunch plan_product(const kernels::DownParams& params,
                                      const ProductDevice& device, VulkanBodies bodies) noexcept;

/// Whether the vector body can run a product.
[[nodiscard]] bool runs_by_vectors(const kernels::DownParams& params) noexcept;

}  // namespace switchyard::vulkan
