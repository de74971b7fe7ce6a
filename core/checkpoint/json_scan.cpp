// SPDX-License-Identifier: Apache-2.0
#include "core/checkpoint/json_scan.hpp"

#include "core/checkpoint/text.hpp"

namespace switchyard::checkpoint {
namespace {

constexpr std::size_t kMaxTokenBytes = 64;

/// Position behind the string whose opening quote is at `start`.
std::size_t skip_string(std::string_view text, std::size_t start, std::size_t longest,
                        std::string_view what) {
  for (std::size_t i = start + 1; i < text.size(); ++i) {
    if (text[i] == '"') {
      return i + 1;
    }
    if (i - start > longest) {
      malformed("{}: the string at byte {} is longer than {} bytes", what, start, longest);
    }
    if (text[i] == '\\') {
      ++i;
    }
  }
  malformed("{}: the string at byte {} has no end", what, start);
}

bool ends_token(char c) {
  return std::string_view(" \t\n\r\"{}[]:,").find(c) != std::string_view::npos;
}

/// Position behind the number or word at `start`.
std::size_t skip_token(std::string_view text, std::size_t start, std::string_view what) {
  std::size_t i = start;
  while (i < text.size() && !ends_token(text[i])) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte < 0x20U || byte >= 0x7fU) {
      malformed("{}: byte {} is 0x{:02x}, which JSON has in strings only", what, i, byte);
    }
    if (++i - start > kMaxTokenBytes) {
      malformed("{}: the token at byte {} is longer than {} bytes", what, start, kMaxTokenBytes);
    }
  }
  return i;
}

}  // namespace

JsonCounts scan_json(std::string_view text, const JsonLimits& limits, std::string_view what) {
  if (text.empty() || text.front() != '{') {
    malformed("{}: does not start with '{{'", what);
  }
  JsonCounts counts;
  int depth = 0;
  for (std::size_t i = 0; i < text.size();) {
    switch (text[i]) {
      case '{':
        ++counts.objects;
        [[fallthrough]];
      case '[':
        if (++depth > limits.max_depth) {
          malformed("{}: nests deeper than {} levels at byte {}", what, limits.max_depth, i);
        }
        ++i;
        break;
      case '}':
      case ']':
        --depth;
        ++i;
        break;
      case '"': {
        const std::size_t end = skip_string(text, i, limits.max_string_bytes, what);
        ++counts.strings;
        counts.string_bytes += end - i - 2;
        i = end;
        break;
      }
      case ' ':
      case '\t':
      case '\n':
      case '\r':
      case ':':
      case ',':
        ++i;
        break;
      default:
        ++counts.scalars;
        i = skip_token(text, i, what);
    }
  }
  return counts;
}

}  // namespace switchyard::checkpoint
