// SPDX-License-Identifier: Apache-2.0
/// \file
/// The one error type of the library.
#pragma once

#include <exception>
#include <string>
#include <string_view>

#include "switchyard/export.hpp"

namespace switchyard {

/// What went wrong, for programs. The message is for people.
enum class ErrorCode : int {
  invalid_argument,    ///< An argument is out of its documented range; nothing was enqueued.
  out_of_memory,       ///< An allocation failed; the object that asked for it is unchanged.
  capacity_exceeded,   ///< The call needs more than the scratch or workspace handed to it holds.
  not_capturable,      ///< The call reads back or synchronises and the stream is being captured.
  device_unavailable,  ///< The backend was built but no usable device or driver is present.
  device_failure,      ///< The device reported an error; the message carries its native name.
  io_failure,          ///< A file cannot be opened, read or written.
  malformed_file,      ///< A file breaks its format's rules.
  unsupported_model,   ///< A well-formed checkpoint describes a layer this library does not run.
};

/// The snake_case name of `code`, e.g. "invalid_argument".
[[nodiscard]] SWITCHYARD_API std::string_view name(ErrorCode code) noexcept;

/// Every failure of the library is thrown as this type and no other. An object whose member throws
/// stays usable unless the function says otherwise. Messages name the argument, its value and the
/// bound: "top_k is 9, must be in [1, num_experts = 8]".
class SWITCHYARD_API Error : public std::exception {
 public:
  Error(ErrorCode code, std::string message);

  [[nodiscard]] ErrorCode code() const noexcept { return code_; }
  [[nodiscard]] const char* what() const noexcept override { return message_.c_str(); }

 private:
  ErrorCode code_;
  std::string message_;
};

}  // namespace switchyard
