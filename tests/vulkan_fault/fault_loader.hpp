// SPDX-License-Identifier: Apache-2.0
// A Vulkan loader that hands every call to the real one, and lets one or more of them fail.
#pragma once

#include <cstdint>

#define SWITCHYARD_FAULT_API extern "C" __attribute__((visibility("default")))

/// Counts calls from 0 again; the k-th that can fail from now on does. 0: none, and nothing else
/// fails any longer either.
SWITCHYARD_FAULT_API void switchyard_fault_at(std::int64_t k) noexcept;
/// The next `times` calls of the function `name` fail as well.
SWITCHYARD_FAULT_API void switchyard_fault_next(const char* name, std::int64_t times) noexcept;
/// Counts calls from 0 again. The device is lost at the k-th call that can tell so: that one and
/// all after it that can do; what ran before has ended.
SWITCHYARD_FAULT_API void switchyard_fault_lose_device_at(std::int64_t k) noexcept;
/// Calls that can fail since then.
SWITCHYARD_FAULT_API std::int64_t switchyard_fault_calls() noexcept;
/// Those among them that can tell of a lost device.
SWITCHYARD_FAULT_API std::int64_t switchyard_fault_calls_that_tell_loss() noexcept;
/// The name of the call that failed last, or "".
SWITCHYARD_FAULT_API const char* switchyard_fault_name() noexcept;
/// Whether that one failed for want of memory.
SWITCHYARD_FAULT_API bool switchyard_fault_is_of_memory() noexcept;

/// How devices seem to be; what is 0 or nullptr stays as it is.
struct SwitchyardDisguise {
  const char* lacks = nullptr;  ///< A feature, by the name of its member.
  std::uint32_t api_version = 0;
  std::uint32_t push_bytes = 0;
  std::uint32_t shared_bytes = 0;
  std::uint32_t threads = 0;  ///< Of a workgroup.
  std::uint32_t wave_size = 0;
  std::uint32_t lacks_subgroup_operations = 0;  ///< VkSubgroupFeatureFlags.
  std::uint32_t copies = 0;                     ///< Each device is shown so often.
};

SWITCHYARD_FAULT_API void switchyard_fault_disguise(SwitchyardDisguise disguise) noexcept;
