// SPDX-License-Identifier: Apache-2.0
// Tensors in host memory as the library takes them, beside the doubles they hold.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <utility>
#include <vector>

#include "support/rounding.hpp"
#include "switchyard/dtype.hpp"
#include "switchyard/weights.hpp"

namespace switchyard::test {

/// The elements of `bytes` as doubles.
inline std::vector<double> decode_all(std::span<const std::byte> bytes, DType dtype) {
  const std::size_t width = size_of(dtype);
  std::vector<double> values(bytes.size() / width);
  for (std::size_t i = 0; i < values.size(); ++i) {
    std::uint32_t bits = 0;
    std::memcpy(&bits, bytes.data() + i * width, width);  // the low half first: little-endian
    values[i] = decode(bits, dtype);
  }
  return values;
}

/// A dense tensor: `values` as they are stored, and the bytes that store them.
class Tensor {
 public:
  Tensor() = default;

  /// Rounds `values` to `dtype`.
  Tensor(std::vector<double> values, DType dtype, std::array<std::int64_t, 3> shape)
      : values_(std::move(values)), dtype_(dtype), shape_(shape) {
    const std::size_t width = size_of(dtype);
    bytes_.resize(values_.size() * width + 1);  // one more: an empty tensor has an address too
    for (std::size_t i = 0; i < values_.size(); ++i) {
      values_[i] = round_to(values_[i], dtype);
      const std::uint32_t bits = encode(values_[i], dtype);
      std::memcpy(bytes_.data() + i * width, &bits, width);
    }
  }

  [[nodiscard]] bool present() const { return !bytes_.empty(); }
  [[nodiscard]] DType dtype() const { return dtype_; }
  [[nodiscard]] const std::vector<double>& values() const { return values_; }
  [[nodiscard]] std::span<const std::byte> bytes() const {
    return present() ? std::span<const std::byte>(bytes_).first(bytes_.size() - 1)
                     : std::span<const std::byte>();
  }
  [[nodiscard]] HostTensor view() const { return {bytes(), dtype_, shape_}; }

 private:
  std::vector<double> values_;
  std::vector<std::byte> bytes_;
  DType dtype_ = DType::f32;
  std::array<std::int64_t, 3> shape_{1, 1, 1};
};

}  // namespace switchyard::test
