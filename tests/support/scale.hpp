// SPDX-License-Identifier: Apache-2.0
// How many random cases a test runs.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdlib>

namespace switchyard::test {

/// `count` times the environment variable SWITCHYARD_TEST_SCALE (default 1), at least 1. Scales
/// counts of random cases and nothing else.
inline std::int64_t scaled(std::int64_t count) {
  static const double scale = [] {
    const char* text = std::getenv("SWITCHYARD_TEST_SCALE");
    const double value = text == nullptr ? 1.0 : std::strtod(text, nullptr);
    return value > 0.0 ? value : 1.0;
  }();
  return std::max<std::int64_t>(1, static_cast<std::int64_t>(static_cast<double>(count) * scale));
}

}  // namespace switchyard::test
