// SPDX-License-Identifier: Apache-2.0
// Formatted errors. For .cpp files only: fmt stays out of headers that users see.
#pragma once

#include <fmt/format.h>

#include <utility>

#include "switchyard/error.hpp"

namespace switchyard::core {

template <class... Args>
[[noreturn]] void fail(ErrorCode code, fmt::format_string<Args...> format, Args&&... args) {
  throw Error(code, fmt::format(format, std::forward<Args>(args)...));
}

template <class... Args>
void require(bool condition, fmt::format_string<Args...> format, Args&&... args) {
  if (!condition) fail(ErrorCode::invalid_argument, format, std::forward<Args>(args)...);
}

/// "name is value, must be in [lowest, bound]", where `bound` may name what it comes from.
inline void require_range(std::string_view name, std::int64_t value, std::int64_t lowest,
                          std::int64_t highest, std::string_view highest_name) {
  require(value >= lowest && value <= highest, "{} is {}, must be in [{}, {} = {}]", name, value,
          lowest, highest_name, highest);
}

}  // namespace switchyard::core
