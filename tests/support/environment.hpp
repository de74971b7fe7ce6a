// SPDX-License-Identifier: Apache-2.0
// An environment variable for the length of a scope.
#pragma once

#include <cstdlib>
#include <optional>
#include <string>
#include <utility>

namespace switchyard::test {

/// Sets a variable, or unsets it, and puts back what it was.
class ScopedEnvironment {
 public:
  ScopedEnvironment(std::string variable, const char* value) : variable_(std::move(variable)) {
    if (const char* before = std::getenv(variable_.c_str())) before_ = before;
    set(value);
  }
  ScopedEnvironment(const ScopedEnvironment&) = delete;
  ScopedEnvironment& operator=(const ScopedEnvironment&) = delete;
  ~ScopedEnvironment() { set(before_ ? before_->c_str() : nullptr); }

  void set(const char* value) {
    if (value == nullptr) {
      unsetenv(variable_.c_str());
    } else {
      setenv(variable_.c_str(), value, 1);
    }
  }

 private:
  std::string variable_;
  std::optional<std::string> before_;
};

}  // namespace switchyard::test
