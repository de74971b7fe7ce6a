// SPDX-License-Identifier: Apache-2.0
/// \file
/// Views of device memory. The host can pass them around, slice them and hand them to a Backend;
/// it cannot read through them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "switchyard/dtype.hpp"

namespace switchyard {

/// `size` elements of T at a device address. Does not own. An empty span may have a null address.
template <class T>
class DeviceSpan {
 public:
  constexpr DeviceSpan() = default;
  constexpr DeviceSpan(T* data, std::size_t size) noexcept : data_(data), size_(size) {}
  template <class U>
  requires(std::is_same_v<T, const U>) constexpr DeviceSpan(DeviceSpan<U> other) noexcept
      : data_(other.data()), size_(other.size()) {}

  /// The device address. Dereferencing it on the host is undefined for all backends but the CPU.
  [[nodiscard]] constexpr T* data() const noexcept { return data_; }
  [[nodiscard]] constexpr std::size_t size() const noexcept { return size_; }
  [[nodiscard]] constexpr std::size_t size_bytes() const noexcept { return size_ * sizeof(T); }
  [[nodiscard]] constexpr bool empty() const noexcept { return size_ == 0; }

  /// Elements [offset, offset + count); the caller keeps offset + count <= size().
  [[nodiscard]] constexpr DeviceSpan subspan(std::size_t offset, std::size_t count) const noexcept {
    return {data_ + offset, count};
  }
  [[nodiscard]] constexpr DeviceSpan first(std::size_t count) const noexcept {
    return {data_, count};
  }

  /// The same memory, not the same contents.
  constexpr bool operator==(const DeviceSpan&) const = default;

 private:
  T* data_ = nullptr;
  std::size_t size_ = 0;
};

/// The same memory as bytes.
template <class T>
[[nodiscard]] auto as_bytes(DeviceSpan<T> span) noexcept {
  return DeviceSpan<const std::byte>(reinterpret_cast<const std::byte*>(span.data()),
                                     span.size_bytes());
}
template <class T>
requires(!std::is_const_v<T>) [[nodiscard]] auto as_writable_bytes(DeviceSpan<T> span) noexcept {
  return DeviceSpan<std::byte>(reinterpret_cast<std::byte*>(span.data()), span.size_bytes());
}

/// A dense row-major matrix [rows, cols] in device memory, its element type known at run time.
struct DeviceMatrix {
  void* data = nullptr;
  DType dtype = DType::f32;
  std::int64_t rows = 0;
  std::int64_t cols = 0;

  constexpr bool operator==(const DeviceMatrix&) const = default;
};

/// A matrix that is only read.
struct ConstDeviceMatrix {
  const void* data = nullptr;
  DType dtype = DType::f32;
  std::int64_t rows = 0;
  std::int64_t cols = 0;

  constexpr ConstDeviceMatrix() = default;
  constexpr ConstDeviceMatrix(const void* data_in, DType dtype_in, std::int64_t rows_in,
                              std::int64_t cols_in) noexcept
      : data(data_in), dtype(dtype_in), rows(rows_in), cols(cols_in) {}
  constexpr ConstDeviceMatrix(const DeviceMatrix& m) noexcept
      : data(m.data), dtype(m.dtype), rows(m.rows), cols(m.cols) {}

  constexpr bool operator==(const ConstDeviceMatrix&) const = default;
};

}  // namespace switchyard
