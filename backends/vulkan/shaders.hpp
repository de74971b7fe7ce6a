// SPDX-License-Identifier: Apache-2.0
// The SPIR-V of the GLSL bodies, as scripts/build-shaders wrote it.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace switchyard::vulkan {

struct Shader {
  std::string_view body;  ///< As the SIMT body of the same work is called.
  std::span<const std::uint32_t> words;
  bool is_exact = false;  ///< Its arithmetic gives the same bits on every backend.
};

/// Every body.
[[nodiscard]] std::span<const Shader> shaders() noexcept;

}  // namespace switchyard::vulkan
