// SPDX-License-Identifier: Apache-2.0
// The readable body of stage "gate", on host memory: what the CPU backend runs and what all other
// bodies are checked against. Tasks are independent of each other and may run in any order on any
// thread.
#pragma once

#include <cstdint>

#include "kernels/gate/params.hpp"
#include "switchyard/export.hpp"

namespace switchyard::kernels::reference {

/// Outputs of a task.
inline constexpr std::int64_t kGateOutputsPerTask = 8;

/// Tasks of a launch. Reads no device data.
[[nodiscard]] SWITCHYARD_API std::int64_t num_tasks(const GateParams& params) noexcept;

/// Runs tasks [first, last).
SWITCHYARD_API void run(const GateParams& params, std::int64_t first, std::int64_t last) noexcept;

}  // namespace switchyard::kernels::reference
