// SPDX-License-Identifier: Apache-2.0
// One row of a table of bad arguments.
#pragma once

#include <cstdint>
#include <functional>
#include <sstream>
#include <string>

#include "support/catch.hpp"
#include "switchyard/error.hpp"

namespace switchyard::test {

/// Calls `call` and asserts the code and the exact message of the Error that it throws.
template <class Call>
void expect_error(Call&& call, ErrorCode code, const std::string& message) {
  try {
    call();
  } catch (const Error& error) {
    CHECK(std::string(name(error.code())) == std::string(name(code)));
    CHECK(std::string(error.what()) == message);
    return;
  }
  FAIL_CHECK("nothing was thrown, expected: " << message);
}

/// The message about an address that is not aligned.
inline std::string misaligned(const std::string& argument, const void* data, int alignment) {
  std::ostringstream text;
  text << argument << " is at address 0x" << std::hex << reinterpret_cast<std::uintptr_t>(data)
       << std::dec << ", must be a multiple of " << alignment;
  return text.str();
}

}  // namespace switchyard::test
