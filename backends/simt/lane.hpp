// SPDX-License-Identifier: Apache-2.0
// The context (kernels/simt.hpp) that the emulator hands to a body.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <source_location>
#include <type_traits>

#include "backends/simt/block.hpp"
#include "kernels/simt.hpp"

namespace switchyard::simt {

/// An element of shared memory: reads and writes are checked.
template <class T>
class SharedElement {
 public:
  explicit SharedElement(T* address) noexcept : address_(address) {}

  operator T() const {
    Block::current().check_read(address_, sizeof(T));
    return *address_;
  }
  SharedElement& operator=(T value) {
    Block::current().mark_written(address_, sizeof(T));
    *address_ = value;
    return *this;
  }
  SharedElement& operator=(const SharedElement& other) { return *this = static_cast<T>(other); }
  SharedElement(const SharedElement&) = default;

 private:
  T* address_;
};

/// An array of shared memory.
template <class T>
class SharedArray {
 public:
  SharedArray(T* data, std::int64_t count) noexcept : data_(data), count_(count) {}

  [[nodiscard]] SharedElement<T> operator[](std::int64_t i) const {
    Block::current().check_index(i, count_);
    return SharedElement<T>(data_ + i);
  }
  /// The array from element `first` on.
  [[nodiscard]] SharedArray offset(std::int64_t first) const {
    return {data_ + first, count_ - first};
  }

 private:
  T* data_;
  std::int64_t count_;
};

template <int Wave>
class Lane {
 public:
  static constexpr int kWave = Wave;
  using At = std::source_location;

  [[nodiscard]] std::int64_t block() const { return here().index(); }
  [[nodiscard]] std::int64_t num_blocks() const { return here().launch().num_blocks; }
  [[nodiscard]] std::int32_t thread() const { return here().thread(); }
  [[nodiscard]] std::int32_t num_threads() const { return here().launch().num_threads; }
  [[nodiscard]] std::int32_t lane() const { return thread() % Wave; }
  [[nodiscard]] std::int32_t wave() const { return thread() / Wave; }
  [[nodiscard]] std::int32_t num_waves() const { return num_threads() / Wave; }

  void sync(const At& at = At::current()) { here().meet_block(at); }
  void sync_wave(const At& at = At::current()) { here().meet_wave(at); }

  template <class T>
  [[nodiscard]] T shuffle(const T& value, std::int32_t from, const At& at = At::current()) {
    static_assert(std::is_trivially_copyable_v<T> && sizeof(T) <= kSlotBytes);
    const std::byte* const slots = here().exchange(&value, sizeof value, at);
    return read<T>(slots, from % Wave);
  }

  [[nodiscard]] std::uint64_t ballot(bool condition, const At& at = At::current()) {
    const std::byte* const slots = here().exchange(&condition, sizeof condition, at);
    std::uint64_t mask = 0;
    for (int i = 0; i < Wave; ++i) mask |= std::uint64_t{read<bool>(slots, i)} << i;
    return mask;
  }

  [[nodiscard]] static int popcount(std::uint64_t mask) { return std::popcount(mask); }

  template <class T>
  [[nodiscard]] SharedArray<T> shared(std::int64_t count) {
    const std::size_t offset = used_;
    used_ += kernels::simt::shared_bytes<T>(count);
    return {reinterpret_cast<T*>(
                here().shared_array(offset, static_cast<std::size_t>(count) * sizeof(T))),
            count};
  }

 private:
  [[nodiscard]] static Block& here() { return Block::current(); }

  template <class T>
  SWITCHYARD_ENGINE static T read(const std::byte* slots, int lane) {
    T value;
    auto* const to = reinterpret_cast<std::byte*>(&value);
    for (std::size_t i = 0; i < sizeof(T); ++i)
      to[i] = slots[static_cast<std::size_t>(lane) * kSlotBytes + i];
    return value;
  }

  std::size_t used_ = 0;
};

}  // namespace switchyard::simt
