// SPDX-License-Identifier: Apache-2.0
// Runs the test cases of a program.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace switchyard::test {

/// A backend under test that this machine has no device for.
struct AbsentBackend {
  std::size_t index;  ///< In the list Backends.
  std::string name;
  std::string reason;  ///< Why there is none.
};

/// The exit status where cases were left out and none ran.
inline constexpr int kAllSkipped = 4;

/// Runs the cases that the arguments choose, those of `absent` left out: each is named on the
/// standard output in a line "skipped: <name>: <reason>". Returns the exit status.
int run_cases(int argc, char** argv, const std::vector<AbsentBackend>& absent);

}  // namespace switchyard::test
