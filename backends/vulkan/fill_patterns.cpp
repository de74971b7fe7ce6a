// SPDX-License-Identifier: Apache-2.0
#include "backends/vulkan/fill_patterns.hpp"

#include <cstring>

namespace switchyard::vulkan {

FillPatterns::FillPatterns(const LogicalDevice& device, const PhysicalDevice& physical)
    : memory_(device, physical, MemoryKind::staging, 4 * 256) {
  auto* const bytes = static_cast<unsigned char*>(memory_.mapped());
  for (int value = 0; value < 256; ++value) std::memset(bytes + 4 * value, value, 4);
}

}  // namespace switchyard::vulkan
