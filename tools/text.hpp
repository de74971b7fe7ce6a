// SPDX-License-Identifier: Apache-2.0
// Small pieces of text for people.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace switchyard::tools {

/// `text` without control characters, so that it takes one line of a terminal whatever a file name
/// or a tensor name holds.
[[nodiscard]] std::string one_line(std::string_view text);

/// 1536 -> "1.5 KB"; decimal units, as memory and bandwidths are quoted.
[[nodiscard]] std::string bytes_text(double bytes);

/// A table whose columns are as wide as their widest cell. The first row is the header.
class TextTable {
 public:
  explicit TextTable(std::vector<std::string> header);
  /// A row of as many cells as the header has.
  void add_row(std::vector<std::string> cells);

  [[nodiscard]] std::string markdown() const;
  [[nodiscard]] std::string csv() const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace switchyard::tools
