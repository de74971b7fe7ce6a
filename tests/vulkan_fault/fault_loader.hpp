// SPDX-License-Identifier: Apache-2.0
// A Vulkan loader that hands every call to the real one, and lets one of them fail.
#pragma once

#include <cstdint>

#define SWITCHYARD_FAULT_API extern "C" __attribute__((visibility("default")))

/// Counts calls from 0 again; the k-th that can fail from now on does. 0: none.
SWITCHYARD_FAULT_API void switchyard_fault_at(std::int64_t k) noexcept;
/// Calls that can fail since then.
SWITCHYARD_FAULT_API std::int64_t switchyard_fault_calls() noexcept;
/// The name of the call that failed, or "".
SWITCHYARD_FAULT_API const char* switchyard_fault_name() noexcept;
