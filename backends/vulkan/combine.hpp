// SPDX-License-Identifier: Apache-2.0
// The launch of stage "combine".
#pragma once

#include "backends/vulkan/body_launch.hpp"
#include "kernels/combine/params.hpp"

namespace switchyard::vulkan {

/// A thread makes eight elements of a row side by side.
[[nodiscard]] inline BodyLaunch combine_launch(const kernels::CombineParams& params) noexcept {
  constexpr int kThreads = 256;
  constexpr int kWidth = 8;
  const std::int64_t pieces =
      params.num_tokens * kernels::simt::ceil_div(params.hidden_size, kWidth);
  return {kernels::Combine::kName,
          {kernels::simt::blocks_for(kernels::simt::ceil_div(pieces, kThreads)), kThreads, 0}};
}

}  // namespace switchyard::vulkan
