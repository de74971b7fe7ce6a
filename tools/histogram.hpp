// SPDX-License-Identifier: Apache-2.0
// The load of the experts as text.
#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace switchyard::tools {

/// A bar per expert, or per group of neighbouring experts where there are more than 32: a head line
/// with the extremes, then at most 32 lines.
[[nodiscard]] std::string load_histogram(std::span<const std::int32_t> expert_load);

}  // namespace switchyard::tools
