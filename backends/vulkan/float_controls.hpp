// SPDX-License-Identifier: Apache-2.0
// What a body asks of the device's f32 arithmetic, where the device lets it ask.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace switchyard::vulkan {

/// Which f32 arithmetic a device can be held to.
struct FloatControls {
  bool keeps_subnormals = false;     ///< shaderDenormPreserveFloat32
  bool rounds_to_even = false;       ///< shaderRoundingModeRTEFloat32
  bool keeps_zeros_inf_nan = false;  ///< shaderSignedZeroInfNanPreserveFloat32
};

/// SPIR-V with execution modes that hold its arithmetic to `controls`.
[[nodiscard]] std::vector<std::uint32_t> hold_to(const FloatControls& controls,
                                                 std::span<const std::uint32_t> words);

}  // namespace switchyard::vulkan
