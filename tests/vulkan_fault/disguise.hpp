// SPDX-License-Identifier: Apache-2.0
// Lets the loader's devices seem to be lesser ones.
#pragma once

#include <cstdint>

#define VK_NO_PROTOTYPES
#include <vulkan/vulkan_core.h>

namespace switchyard::fault {

/// What stands in for the function of that name, or nullptr. `real` is what it asks.
[[nodiscard]] PFN_vkVoidFunction disguised(const char* name, PFN_vkVoidFunction real) noexcept;

/// Copies that each device is shown in.
[[nodiscard]] std::uint32_t copies() noexcept;

}  // namespace switchyard::fault
