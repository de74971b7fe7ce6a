// SPDX-License-Identifier: Apache-2.0
// Two results of `switchyard bench` side by side.
#pragma once

#include <string>
#include <string_view>

namespace switchyard::tools {

/// The content of a file. Throws Error{malformed_file} where it cannot be read.
[[nodiscard]] std::string read_text(const std::string& path);

/// A table of two results, as `--output json` writes them: times of the layer, of routing and of
/// the stages for each number of tokens that both have, with ratios (below 1: `after` is faster).
/// Throws Error{malformed_file} that names the result that is not one.
[[nodiscard]] std::string compare_results(std::string_view before_name, std::string_view before,
                                          std::string_view after_name, std::string_view after);

}  // namespace switchyard::tools
