// SPDX-License-Identifier: Apache-2.0
// Each throws std::logic_error where the backend does something else than it documents.
#pragma once

#include <stdexcept>
#include <string>

#include "switchyard/error.hpp"

namespace switchyard::fault {

/// Runs `call`, which has to throw an Error with that code whose message holds `part`.
template <class Call>
void expect_error(ErrorCode code, const std::string& part, Call call) {
  try {
    call();
  } catch (const Error& error) {
    if (error.code() == code && std::string(error.what()).find(part) != std::string::npos) return;
    throw std::logic_error("not " + std::string(name(code)) + " with '" + part +
                           "': " + std::string(name(error.code())) + " '" + error.what() + "'");
  }
  throw std::logic_error("no error with '" + part + "'");
}

/// A device that lacks anything cannot be used, and what it lacks is named; of several one is
/// chosen.
void check_devices();
/// Where memory runs out unused blocks are given back, else it is an Error; the next use is right.
void check_memory();
/// A device that is lost at some call is an Error then and at every later use; another can be
/// opened.
void check_lost_device();

}  // namespace switchyard::fault
