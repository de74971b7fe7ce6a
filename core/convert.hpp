// SPDX-License-Identifier: Apache-2.0
// Element type conversion in host memory.
#pragma once

#include <cstddef>
#include <span>

#include "switchyard/dtype.hpp"
#include "switchyard/export.hpp"

namespace switchyard::core {

/// Rounds the elements of `from` to `to_dtype`. The sizes describe the same number of elements.
SWITCHYARD_API void convert(std::span<const std::byte> from, DType from_dtype,
                            std::span<std::byte> to, DType to_dtype) noexcept;

}  // namespace switchyard::core
