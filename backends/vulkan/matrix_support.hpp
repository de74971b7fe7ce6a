// SPDX-License-Identifier: Apache-2.0
// Which cooperative matrices a device has.
#pragma once

#include "switchyard/dtype.hpp"

namespace switchyard::vulkan {

/// Which cooperative matrices the bodies can use: 16 by 16 by 16, a subgroup's, sums in f32.
struct MatrixSupport {
  bool f16 = false;   ///< VK_KHR_cooperative_matrix
  bool bf16 = false;  ///< and VK_KHR_shader_bfloat16

  [[nodiscard]] constexpr bool any() const noexcept { return f16 || bf16; }
  [[nodiscard]] constexpr bool has(DType dtype) const noexcept {
    return (dtype == DType::f16 && f16) || (dtype == DType::bf16 && bf16);
  }
  bool operator==(const MatrixSupport&) const = default;
};

}  // namespace switchyard::vulkan
