// SPDX-License-Identifier: Apache-2.0
#include "backends/simt/fault.hpp"

#include <string_view>

namespace switchyard::simt {
namespace {

/// " at file.hpp:12", without the file's folder; nothing for no place.
[[nodiscard]] std::string text_of(const Place& at) {
  if (at.file == nullptr) return "";
  const std::string_view path = at.file;
  const std::string_view name = path.substr(path.find_last_of('/') + 1);
  return " at " + std::string(name) + ":" + std::to_string(at.line);
}

}  // namespace

std::string Fault::text(std::int64_t block) const {
  std::string result = std::string(what) + " in block " + std::to_string(block) + ", thread " +
                       std::to_string(thread) + text_of(at) + ": " + why;
  if (other >= 0) result += ": thread " + std::to_string(other) + text_of(other_at);
  return result;
}

}  // namespace switchyard::simt
