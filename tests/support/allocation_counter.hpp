// SPDX-License-Identifier: Apache-2.0
// Counts calls of the global operator new, which the test program replaces.
#pragma once

#include <cstdint>

namespace switchyard::test {

/// Calls of any global operator new on this thread so far.
[[nodiscard]] std::int64_t allocations_of_this_thread() noexcept;

}  // namespace switchyard::test
