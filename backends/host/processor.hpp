// SPDX-License-Identifier: Apache-2.0
// The processor this process runs on.
#pragma once

#include "switchyard/backend.hpp"
#include "switchyard/export.hpp"

namespace switchyard::host {

/// Cores that the system offers, at least 1.
[[nodiscard]] SWITCHYARD_API int num_cores() noexcept;

/// Its name, memory and cores. Wave size 1.
[[nodiscard]] SWITCHYARD_API DeviceInfo describe_processor();

}  // namespace switchyard::host
