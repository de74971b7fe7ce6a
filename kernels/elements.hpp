// SPDX-License-Identifier: Apache-2.0
// Host access to memory whose element type is known at run time. Addresses need no alignment.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "kernels/function.hpp"
#include "switchyard/dtype.hpp"
#include "switchyard/half.hpp"

namespace switchyard::kernels {

/// Element `index` of an array of Stored, as float.
template <class Stored>
[[nodiscard]] SWITCHYARD_FN inline float load(const void* data, std::int64_t index) noexcept {
  Stored value;
  std::memcpy(&value, static_cast<const std::byte*>(data) + index * std::int64_t{sizeof(Stored)},
              sizeof value);
  return static_cast<float>(value);
}

template <class Stored>
SWITCHYARD_FN inline void store(void* data, std::int64_t index, float value) noexcept {
  const Stored rounded(value);
  std::memcpy(static_cast<std::byte*>(data) + index * std::int64_t{sizeof(Stored)}, &rounded,
              sizeof rounded);
}

/// Calls visit(Stored{}) with the C++ type of a dtype.
template <class Visit>
SWITCHYARD_FN inline decltype(auto) with_type_of(DType dtype, Visit&& visit) {
  switch (dtype) {
    case DType::bf16:
      return visit(bf16{});
    case DType::f16:
      return visit(f16{});
    case DType::f32:
      break;
  }
  return visit(float{});
}

/// Element `index` of an array of a dtype, as float.
[[nodiscard]] SWITCHYARD_FN inline float load_any(DType dtype, const void* data,
                                                  std::int64_t index) noexcept {
  return with_type_of(dtype, [&](auto stored) { return load<decltype(stored)>(data, index); });
}

SWITCHYARD_FN inline void store_any(DType dtype, void* data, std::int64_t index,
                                    float value) noexcept {
  with_type_of(dtype, [&](auto stored) { store<decltype(stored)>(data, index, value); });
}

/// `value` after a round trip through dtype.
[[nodiscard]] SWITCHYARD_FN inline float round_to(DType dtype, float value) noexcept {
  return with_type_of(dtype,
                      [value](auto stored) { return static_cast<float>(decltype(stored)(value)); });
}

/// to[i] = from[first + i] for i < count.
SWITCHYARD_FN inline void load_row(DType dtype, const void* from, std::int64_t first,
                                   std::int64_t count, float* to) noexcept {
  with_type_of(dtype, [&](auto stored) {
    for (std::int64_t i = 0; i < count; ++i) to[i] = load<decltype(stored)>(from, first + i);
  });
}

/// to[first + i] = from[i] for i < count, rounded.
SWITCHYARD_FN inline void store_row(DType dtype, const float* from, std::int64_t count, void* to,
                                    std::int64_t first) noexcept {
  with_type_of(dtype, [&](auto stored) {
    for (std::int64_t i = 0; i < count; ++i) store<decltype(stored)>(to, first + i, from[i]);
  });
}

/// Address of element `index`.
[[nodiscard]] SWITCHYARD_FN inline const void* address(DType dtype, const void* data,
                                                       std::int64_t index) noexcept {
  return static_cast<const std::byte*>(data) + index * static_cast<std::int64_t>(size_of(dtype));
}

/// Tokens alive in a call of num_tokens: the count on the device, clamped, or all.
[[nodiscard]] SWITCHYARD_FN inline std::int32_t live_count(const std::int32_t* live_tokens,
                                                           std::int32_t num_tokens) noexcept {
  if (live_tokens == nullptr) return num_tokens;
  const std::int32_t live = *live_tokens;
  return live < 0 ? 0 : (live > num_tokens ? num_tokens : live);
}

}  // namespace switchyard::kernels
