// SPDX-License-Identifier: Apache-2.0
// Host allocation failures as the library's error.
#pragma once

#include <new>
#include <stdexcept>
#include <utility>

#include "switchyard/error.hpp"

namespace switchyard::core {

/// Runs `work`; std::bad_alloc and std::length_error leave as Error{out_of_memory}.
template <class Work>
decltype(auto) translate_bad_alloc(Work&& work) {
  try {
    return std::forward<Work>(work)();
  } catch (const std::bad_alloc&) {
    throw Error(ErrorCode::out_of_memory, "host memory is exhausted");
  } catch (const std::length_error&) {
    throw Error(ErrorCode::out_of_memory, "host memory cannot hold that many elements");
  }
}

}  // namespace switchyard::core
