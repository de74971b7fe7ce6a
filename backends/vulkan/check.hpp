// SPDX-License-Identifier: Apache-2.0
// Vulkan's results as errors.
#pragma once

#include <string>
#include <string_view>

#include "backends/vulkan/api.hpp"

namespace switchyard::vulkan {

/// "VK_ERROR_DEVICE_LOST"; a code without a known name as a number.
[[nodiscard]] std::string name_of(VkResult result);

/// Throws Error{out_of_memory} or Error{device_failure}: "<call><detail>: <result>".
[[noreturn]] void fail(VkResult result, std::string_view call, std::string_view detail = {});

/// Throws unless the call has succeeded.
inline void check(VkResult result, std::string_view call) {
  if (result != VK_SUCCESS) fail(result, call);
}

}  // namespace switchyard::vulkan
