// SPDX-License-Identifier: Apache-2.0
// Access of SIMT bodies to device memory whose element type is known at run time. Device memory is
// aligned to its elements, which the checks of a call ensure; kernels/elements.hpp assumes nothing.
#pragma once

#include <cstdint>

#include "kernels/elements.hpp"

namespace switchyard::kernels::simt {

/// Element `index` of an array of Stored, as float.
template <class Stored>
[[nodiscard]] SWITCHYARD_FN inline float load(const void* data, std::int64_t index) noexcept {
  return static_cast<float>(static_cast<const Stored*>(data)[index]);
}

template <class Stored>
SWITCHYARD_FN inline void store(void* data, std::int64_t index, float value) noexcept {
  static_cast<Stored*>(data)[index] = Stored(value);
}

SWITCHYARD_FN inline void store_any(DType dtype, void* data, std::int64_t index,
                                    float value) noexcept {
  with_type_of(dtype, [&](auto stored) { store<decltype(stored)>(data, index, value); });
}

}  // namespace switchyard::kernels::simt
