// SPDX-License-Identifier: Apache-2.0
// The readable body of stage "plan", on host memory: what the CPU backend and the host-mediated
// path run and what all other bodies are checked against.
#pragma once

#include <cstdint>

#include "kernels/plan/params.hpp"
#include "switchyard/export.hpp"

namespace switchyard::kernels::reference {

/// Tasks of a launch. Reads no device data.
[[nodiscard]] SWITCHYARD_API std::int64_t num_tasks(const PlanParams& params) noexcept;

/// Runs tasks [first, last).
SWITCHYARD_API void run(const PlanParams& params, std::int64_t first, std::int64_t last) noexcept;

/// The first step alone: expert_offsets, from selected_ids. Reads no block size.
void count_rows(const PlanParams& params) noexcept;

}  // namespace switchyard::kernels::reference
