// SPDX-License-Identifier: Apache-2.0
// The header of a safetensors file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "switchyard/checkpoint/safetensors.hpp"

namespace switchyard::checkpoint {

/// What a header says. The entries view names, extents and the file's data.
struct SafetensorsHeader {
  std::string names;                  ///< Of all tensors, one behind the other.
  std::vector<std::int64_t> extents;  ///< Of all tensors, one shape behind the other.
  std::vector<TensorEntry> tensors;   ///< In the order of the file.
  std::map<std::string, std::string> metadata;

  SafetensorsHeader() = default;
  SafetensorsHeader(SafetensorsHeader&&) = delete;  // views point into members
};

/// Parses `text` into `header` and checks each tensor by itself: dtype, rank, extents, and that its
/// range lies in `data` and is as long as shape x dtype. `what` begins the messages.
void parse_safetensors_header(std::string_view text, std::span<const std::byte> data,
                              std::string_view what, SafetensorsHeader& header);

/// Bytes that `shape` elements of `dtype` take. Throws Error{malformed_file} where that overflows
/// or is not a whole number of bytes.
[[nodiscard]] std::uint64_t tensor_bytes(TensorDType dtype, std::span<const std::int64_t> shape,
                                         std::string_view what);

}  // namespace switchyard::checkpoint
