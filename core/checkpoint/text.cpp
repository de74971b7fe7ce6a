// SPDX-License-Identifier: Apache-2.0
#include "core/checkpoint/text.hpp"

#include <cstddef>

namespace switchyard::checkpoint {
namespace {

std::string printable(std::string_view text, std::size_t longest) {
  std::string out;
  for (const char c : text.substr(0, longest)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20U && byte < 0x7fU) {
      out += c;
    } else {
      out += fmt::format("\\x{:02x}", byte);
    }
  }
  if (text.size() > longest) {
    out += "...";
  }
  return out;
}

}  // namespace

std::string in_quotes(std::string_view text) {
  return '"' + printable(text, 100) + '"';
}

std::string one_line(std::string_view text) {
  return printable(text, 300);
}

}  // namespace switchyard::checkpoint
