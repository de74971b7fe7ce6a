// SPDX-License-Identifier: Apache-2.0
// What stopped a block.
#pragma once

#include <cstdint>
#include <source_location>
#include <string>

namespace switchyard::simt {

/// A place in a body's source: where its threads meet.
struct Place {
  const char* file = nullptr;
  std::uint32_t line = 0;
  std::uint32_t column = 0;

  Place() = default;
  explicit Place(const std::source_location& at) noexcept
      : file(at.file_name()), line(at.line()), column(at.column()) {}
};

/// One emulated thread did what the dialect forbids.
struct Fault {
  const char* what = nullptr;  ///< The operation; null: no fault.
  const char* why = nullptr;
  std::int32_t thread = 0;
  Place at;                 ///< Of the operation, where it has one.
  std::int32_t other = -1;  ///< Another thread that has to do with it, -1: none.
  Place other_at;           ///< Where that one waits, if it does.

  /// "barrier in block 2, thread 5 at body.hpp:31: <why>: thread 7 at body.hpp:40"
  [[nodiscard]] std::string text(std::int64_t block) const;
};

}  // namespace switchyard::simt
