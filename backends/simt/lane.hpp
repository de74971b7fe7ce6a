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
  SharedElement(Block& block, T* address) noexcept : block_(block), address_(address) {}

  operator T() const {
    block_.check_read(address_, sizeof(T));
    return *address_;
  }
  SharedElement& operator=(T value) {
    block_.mark_written(address_, sizeof(T));
    *address_ = value;
    return *this;
  }
  SharedElement& operator=(const SharedElement& other) { return *this = static_cast<T>(other); }
  SharedElement(const SharedElement&) = default;

 private:
  Block& block_;
  T* address_;
};

/// An array of shared memory.
template <class T>
class SharedArray {
 public:
  SharedArray(Block& block, T* data, std::int64_t count) noexcept
      : block_(&block), data_(data), count_(count) {}

  [[nodiscard]] SharedElement<T> operator[](std::int64_t i) const {
    if (i < 0 || i >= count_) block_->fail("shared memory", "an index is outside the array");
    return {*block_, data_ + i};
  }
  /// The array from element `first` on.
  [[nodiscard]] SharedArray offset(std::int64_t first) const {
    if (first < 0 || first > count_)
      block_->fail("shared memory", "an array starts outside the one that it is part of");
    return {*block_, data_ + first, count_ - first};
  }

 private:
  Block* block_;
  T* data_;
  std::int64_t count_;
};

template <int Wave>
class Lane {
 public:
  static constexpr int kWave = Wave;
  using At = std::source_location;

  /// A thread of `block`, which is running it.
  explicit Lane(Block& block) noexcept : block_(block) {}

  [[nodiscard]] std::int64_t block() const { return block_.index(); }
  [[nodiscard]] std::int64_t num_blocks() const { return block_.launch().shape.num_blocks; }
  [[nodiscard]] std::int32_t thread() const { return block_.thread(); }
  [[nodiscard]] std::int32_t num_threads() const { return block_.launch().shape.num_threads; }
  [[nodiscard]] std::int32_t lane() const { return thread() % Wave; }
  [[nodiscard]] std::int32_t wave() const { return thread() / Wave; }
  [[nodiscard]] std::int32_t num_waves() const { return num_threads() / Wave; }

  void sync(const At& at = At::current()) { block_.meet_block(at); }
  void sync_wave(const At& at = At::current()) { block_.meet_wave(at); }

  template <class T>
  [[nodiscard]] T shuffle(const T& value, std::int32_t from, const At& at = At::current()) {
    static_assert(std::is_trivially_copyable_v<T>);
    static_assert(sizeof(T) % 4 == 0 && sizeof(T) <= sizeof(Slot));
    if (from < 0 || from >= Wave) block_.fail("wave collective", "a lane is outside the wave");
    Slot slot{};
    std::memcpy(&slot, &value, sizeof value);
    slot = read(block_.exchange(slot, at), from);
    T result;
    std::memcpy(static_cast<void*>(&result), &slot, sizeof result);
    return result;
  }

  [[nodiscard]] std::uint64_t ballot(bool condition, const At& at = At::current()) {
    const Slot* const slots = block_.exchange({{condition ? 1U : 0U, 0}}, at);
    std::uint64_t mask = 0;
    for (int i = 0; i < Wave; ++i) mask |= read(slots, i).words[0] << i;
    return mask;
  }

  [[nodiscard]] std::uint32_t largest(std::uint32_t value, const At& at = At::current()) {
    const Slot* const slots = block_.exchange({{value, 0}}, at);
    std::uint64_t found = 0;
    for (int i = 0; i < Wave; ++i) {
      const std::uint64_t other = read(slots, i).words[0];
      found = other > found ? other : found;
    }
    return static_cast<std::uint32_t>(found);
  }

  [[nodiscard]] static int popcount(std::uint64_t mask) { return std::popcount(mask); }

  template <class T>
  [[nodiscard]] SharedArray<T> shared(std::int64_t count) {
    std::byte* const data = block_.shared_array(used_, count, sizeof(T));
    used_ += kernels::simt::shared_bytes<T>(count);
    return {block_, reinterpret_cast<T*>(data), count};
  }

 private:
  SWITCHYARD_ENGINE static Slot read(const Slot* slots, int lane) { return slots[lane]; }

  Block& block_;
  std::size_t used_ = 0;
};

}  // namespace switchyard::simt
