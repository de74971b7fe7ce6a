// SPDX-License-Identifier: Apache-2.0
// Runs the command line program.
#pragma once

#include <string>
#include <vector>

namespace switchyard::test {

/// What a finished process left.
struct ProcessResult {
  int status = -1;  ///< Exit status; -1: it did not exit by itself.
  std::string out;
  std::string err;
};

/// Runs the program `switchyard` with these arguments and waits for it.
[[nodiscard]] ProcessResult run_tool(const std::vector<std::string>& arguments);

}  // namespace switchyard::test
