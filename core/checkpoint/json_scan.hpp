// SPDX-License-Identifier: Apache-2.0
// A look over JSON text before it is parsed: bounds what the parser can be made to hold.
#pragma once

#include <cstddef>
#include <string_view>

namespace switchyard::checkpoint {

struct JsonLimits {
  std::size_t max_string_bytes;
  int max_depth;
};

/// Upper bounds of what a parser will meet.
struct JsonCounts {
  std::size_t string_bytes = 0;  ///< Of all strings together, before escapes are decoded.
  std::size_t strings = 0;
  std::size_t objects = 0;
  std::size_t scalars = 0;  ///< Numbers and the words true, false, null.
};

/// Checks that `text` starts with '{', nests no deeper than the limit, has no string longer than
/// the limit, no other token longer than 64 bytes and no control characters but white space. One
/// pass, no memory. Throws Error{malformed_file}, its message beginning with `what`.
JsonCounts scan_json(std::string_view text, const JsonLimits& limits, std::string_view what);

}  // namespace switchyard::checkpoint
