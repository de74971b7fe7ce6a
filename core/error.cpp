// SPDX-License-Identifier: Apache-2.0
#include "switchyard/error.hpp"

#include <utility>

namespace switchyard {

std::string_view name(ErrorCode code) noexcept {
  switch (code) {
    case ErrorCode::invalid_argument:
      return "invalid_argument";
    case ErrorCode::out_of_memory:
      return "out_of_memory";
    case ErrorCode::capacity_exceeded:
      return "capacity_exceeded";
    case ErrorCode::not_capturable:
      return "not_capturable";
    case ErrorCode::device_unavailable:
      return "device_unavailable";
    case ErrorCode::device_failure:
      return "device_failure";
    case ErrorCode::io_failure:
      return "io_failure";
    case ErrorCode::malformed_file:
      return "malformed_file";
    case ErrorCode::unsupported_model:
      return "unsupported_model";
  }
  return "unknown";
}

Error::Error(ErrorCode code, std::string message) : code_(code), message_(std::move(message)) {}

}  // namespace switchyard
