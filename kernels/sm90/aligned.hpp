// SPDX-License-Identifier: Apache-2.0
// Where memory of the caller's lies. Host and device read it.
#pragma once

#include <cstdint>

#include "kernels/function.hpp"

namespace switchyard::kernels::sm90 {

/// Whether 16 bytes can be accessed at once.
[[nodiscard]] SWITCHYARD_FN inline bool aligned16(const void* memory) noexcept {
  return reinterpret_cast<std::uintptr_t>(memory) % 16 == 0;
}

}  // namespace switchyard::kernels::sm90
