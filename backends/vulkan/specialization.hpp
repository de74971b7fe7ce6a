// SPDX-License-Identifier: Apache-2.0
// What a pipeline is compiled for.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "backends/vulkan/body_launch.hpp"

namespace switchyard::vulkan {

/// What a pipeline is specialised to: the bodies' constants 0 to 3, in their order.
struct Specialization {
  std::uint32_t wave_size;
  std::uint32_t num_threads;
  std::uint32_t shared_words;  ///< Of four bytes each.
  std::uint32_t depth;

  bool operator==(const Specialization&) const = default;
};

/// A specialisation that runs a launch, whose shared memory is at most `shared_bytes`, what the
/// device has. Launches of like needs share it: its shared memory is 8 KiB, or where that is too
/// little 16, 32 and so on, but never more than the device's.
[[nodiscard]] inline Specialization specialize(const BodyLaunch& launch, int wave_size,
                                               std::size_t shared_bytes) noexcept {
  std::size_t bytes = 8192;
  while (bytes < launch.shape.shared_bytes) bytes *= 2;
  return {static_cast<std::uint32_t>(wave_size),
          static_cast<std::uint32_t>(launch.shape.num_threads),
          static_cast<std::uint32_t>(std::min(bytes, shared_bytes) / 4),
          static_cast<std::uint32_t>(launch.depth)};
}

}  // namespace switchyard::vulkan
