// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "switchyard/backends/vulkan.hpp"
#include "vulkan_fault/checks.hpp"
#include "vulkan_fault/fault_loader.hpp"
#include "vulkan_fault/use.hpp"

namespace switchyard::fault {

void check_lost_device() {
  constexpr std::size_t kMoreThanABlock = std::size_t{64} << 20U;
  std::int64_t calls = 0;
  {
    VulkanBackend backend;
    static_cast<void>(use(backend));
    switchyard_fault_at(0);
    calls = use(backend).that_tell_loss;
  }
  // At the first call, at the last of these, and some between, each on a device of its own.
  for (std::int64_t k = 1; k <= calls; k = k == calls ? calls + 1 : std::min(2 * k, calls)) {
    VulkanBackend backend;
    static_cast<void>(use(backend));
    switchyard_fault_lose_device_at(k);
    const auto use_it = [&] { static_cast<void>(use(backend)); };
    expect_error(ErrorCode::device_failure, "VK_ERROR_DEVICE_LOST", use_it);
    expect_error(ErrorCode::device_failure, "VK_ERROR_DEVICE_LOST", use_it);
    switchyard_fault_next("vkAllocateMemory", 1);  // what would wait for the device, cannot
    expect_error(ErrorCode::device_failure, "vkDeviceWaitIdle: VK_ERROR_DEVICE_LOST",
                 [&] { static_cast<void>(backend.allocate<std::byte>(kMoreThanABlock)); });
    switchyard_fault_at(0);
    if (k > 1) continue;
    VulkanBackend other;  // beside the lost one, which goes after it
    static_cast<void>(use(other));
  }
}

}  // namespace switchyard::fault
