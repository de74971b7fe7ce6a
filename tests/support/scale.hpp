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

/// The share of the random cases that a backend draws. An emulated GPU takes its time.
template <class B>
inline constexpr double kCaseShare = B::kName.starts_with("simt") ? 0.1 : 1.0;

/// scaled() by the backend's share.
template <class B>
std::int64_t scaled_for(std::int64_t count) {
  return std::max<std::int64_t>(
      1, static_cast<std::int64_t>(static_cast<double>(scaled(count)) * kCaseShare<B>));
}

/// Which of a test's random cases this process runs: every step-th from `first` on.
struct CasePart {
  std::int64_t first = 0;
  std::int64_t step = 1;
};

/// All of them, or the part that the environment variable SWITCHYARD_TEST_PART names: 2/8 is the
/// second of eight.
inline CasePart case_part() {
  const char* const text = std::getenv("SWITCHYARD_TEST_PART");
  char* end = nullptr;
  const std::int64_t part = text == nullptr ? 1 : std::strtoll(text, &end, 10);
  const std::int64_t parts =
      text == nullptr || *end != '/' ? 1 : std::strtoll(end + 1, nullptr, 10);
  return part < 1 || part > parts ? CasePart{} : CasePart{part - 1, parts};
}

}  // namespace switchyard::test
