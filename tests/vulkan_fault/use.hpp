// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "switchyard/backends/vulkan.hpp"

namespace switchyard::fault {

/// Calls that can fail, and those of them that can tell of a lost device.
struct Calls {
  std::int64_t all = 0;
  std::int64_t that_tell_loss = 0;
};

/// Uses every operation of the backend; throws std::logic_error for a wrong result. Returns which
/// calls it has made, those of its destructors not counted: they report nothing.
Calls use(VulkanBackend& backend);

}  // namespace switchyard::fault
