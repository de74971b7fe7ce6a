// SPDX-License-Identifier: Apache-2.0
// The seam between host code and nvcc: the kernels of stage "fused_layer".
#pragma once

#include "kernels/fused_layer/sm90_shape.hpp"

namespace switchyard::sm90 {

/// The kernel of a build, one of kernels::sm90::kFusedBuilds; null for another.
[[nodiscard]] const void* fused_layer_kernel_bf16(const kernels::sm90::FusedBuild& build,
                                                  kernels::sm90::Planning planning) noexcept;
[[nodiscard]] const void* fused_layer_kernel_f16(const kernels::sm90::FusedBuild& build,
                                                 kernels::sm90::Planning planning) noexcept;

}  // namespace switchyard::sm90
