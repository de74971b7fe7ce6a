// SPDX-License-Identifier: Apache-2.0
// What the L2 cache is told of a copy.
#pragma once

#include <cstdint>

namespace switchyard::kernels::sm90 {

/// How long L2 is to keep what a copy read.
enum class L2Keep : std::uint8_t { normal, evict_first, evict_last };

}  // namespace switchyard::kernels::sm90
