// SPDX-License-Identifier: Apache-2.0
// Error messages that quote what a file says.
#pragma once

#include <fmt/format.h>

#include <exception>
#include <filesystem>
#include <new>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "switchyard/error.hpp"

namespace switchyard::checkpoint {

/// `text` in quotes on one line of printable ASCII, cut after 100 characters.
[[nodiscard]] std::string in_quotes(std::string_view text);

/// `text` on one line of printable ASCII, cut after 300 characters.
[[nodiscard]] std::string one_line(std::string_view text);

/// Throws Error{code} with a formatted message.
template <class... Args>
[[noreturn]] void fail(ErrorCode code, fmt::format_string<Args...> format, Args&&... args) {
  throw Error(code, fmt::format(format, std::forward<Args>(args)...));
}

/// Throws Error{malformed_file} with a formatted message.
template <class... Args>
[[noreturn]] void malformed(fmt::format_string<Args...> format, Args&&... args) {
  throw Error(ErrorCode::malformed_file, fmt::format(format, std::forward<Args>(args)...));
}

/// Runs `body`; whatever it throws leaves as Error.
template <class Body>
auto guarded(Body&& body) -> decltype(body()) {
  try {
    return body();
  } catch (const Error&) {
    throw;
  } catch (const std::bad_alloc&) {
    throw Error(ErrorCode::out_of_memory, "out of memory while reading a checkpoint");
  } catch (const std::length_error&) {
    throw Error(ErrorCode::out_of_memory, "a checkpoint asks for more memory than there is");
  } catch (const std::filesystem::filesystem_error& error) {
    throw Error(ErrorCode::io_failure, one_line(error.what()));
  } catch (const std::exception& error) {
    throw Error(ErrorCode::malformed_file, one_line(error.what()));
  }
}

}  // namespace switchyard::checkpoint
