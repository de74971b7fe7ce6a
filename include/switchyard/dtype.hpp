// SPDX-License-Identifier: Apache-2.0
/// \file
/// Element types of activations and weights, chosen at run time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "switchyard/export.hpp"

namespace switchyard {

/// Element type of a tensor.
enum class DType : std::uint8_t {
  f32,   ///< IEEE binary32.
  bf16,  ///< bfloat16: the upper half of a binary32.
  f16,   ///< IEEE binary16.
};

/// Bytes of one element.
[[nodiscard]] constexpr std::size_t size_of(DType dtype) noexcept {
  return dtype == DType::f32 ? 4 : 2;
}

/// "f32", "bf16" or "f16".
[[nodiscard]] SWITCHYARD_API std::string_view name(DType dtype) noexcept;

/// The dtype that name() prints as `text`, or nothing.
[[nodiscard]] SWITCHYARD_API std::optional<DType> parse_dtype(std::string_view text) noexcept;

}  // namespace switchyard
