// SPDX-License-Identifier: Apache-2.0
// Elements of a dtype as bytes, to float and back.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "switchyard/dtype.hpp"

namespace switchyard::tools {

/// Element `index` of `bytes`, at any alignment; index < bytes.size() / size_of(dtype).
[[nodiscard]] float load_element(std::span<const std::byte> bytes, DType dtype, std::size_t index);

/// Rounds `value` to dtype and stores it as element `index`.
void store_element(std::span<std::byte> bytes, DType dtype, std::size_t index, float value);

/// All values, rounded to dtype.
[[nodiscard]] std::vector<std::byte> to_bytes(std::span<const float> values, DType dtype);

/// All elements of `bytes`.
[[nodiscard]] std::vector<float> to_floats(std::span<const std::byte> bytes, DType dtype);

}  // namespace switchyard::tools
