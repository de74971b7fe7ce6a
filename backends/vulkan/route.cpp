// SPDX-License-Identifier: Apache-2.0
#include "backends/vulkan/route.hpp"

#include <algorithm>

#include "switchyard/limits.hpp"

namespace switchyard::vulkan {
namespace {

constexpr std::int32_t kMaxWaves = 4;
/// More would leave a multiprocessor few blocks.
constexpr std::size_t kUsualBytes = 16 * 1024;

/// kernels/route/route.comp, place_arrays.
[[nodiscard]] std::size_t route_bytes(const kernels::RouteParams& params,
                                      std::int64_t waves) noexcept {
  const auto aligned = [](std::int64_t words) { return (words + 3) / 4 * 4; };
  const std::int64_t words = aligned(waves * params.num_experts) +
                             aligned(waves * params.num_groups) + 2 * waves * limits::kMaxTopK;
  return 4 * static_cast<std::size_t>(words);
}

}  // namespace

BodyLaunch route_launch(const kernels::RouteParams& params, const RouterDevice& device) noexcept {
  std::int32_t waves = kMaxWaves;
  while (waves > 1 && route_bytes(params, waves) > std::min(device.shared_bytes, kUsualBytes))
    waves /= 2;
  const std::int64_t blocks = kernels::simt::ceil_div(params.num_tokens, waves);
  return {
      kernels::Route::kName,
      {kernels::simt::blocks_for(blocks), waves * device.wave_size, route_bytes(params, waves)}};
}

}  // namespace switchyard::vulkan
