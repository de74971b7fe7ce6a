// SPDX-License-Identifier: Apache-2.0
// The candidates that one lane holds, drawn from it the greatest key first, equal keys in the order
// of their places. A key is above 0; a place is in [0, Count).
#pragma once

#include <cstdint>
#include <type_traits>

#include "kernels/function.hpp"

namespace switchyard::kernels::simt {

/// Sorted once, so that a draw is a step: for few.
template <int Count>
class SortedQueue {
 public:
  SWITCHYARD_FN explicit SortedQueue(const std::uint32_t (&keys)[Count]) {
    std::uint32_t places[Count];
    for (int j = 0; j < Count; ++j) {
      keys_[j] = keys[j];
      places[j] = static_cast<std::uint32_t>(j);
    }
    for (int round = 0; round < Count; ++round)  // neighbours trade places, so equal keys do not
      for (int j = round % 2; j + 1 < Count; j += 2) {
        const bool swaps = keys_[j + 1] > keys_[j];
        const std::uint32_t key = swaps ? keys_[j] : keys_[j + 1];
        const std::uint32_t place = swaps ? places[j] : places[j + 1];
        keys_[j] = swaps ? keys_[j + 1] : keys_[j];
        places[j] = swaps ? places[j + 1] : places[j];
        keys_[j + 1] = key;
        places[j + 1] = place;
      }
    for (int j = 0; j < Count; ++j) order_ |= Order{places[j]} << (kBits * j);
  }

  /// The greatest key; 0: empty.
  [[nodiscard]] SWITCHYARD_FN std::uint32_t key() const { return keys_[0]; }
  [[nodiscard]] SWITCHYARD_FN int place() const { return place_of(count_); }
  /// Where the lane draws, this is draw number k of the wave, in [0, 256).
  SWITCHYARD_FN void draw_if(bool draws, std::int32_t k) {
    for (int j = 0; j < Count; ++j)
      keys_[j] = draws ? (j + 1 < Count ? keys_[j + 1] : 0U) : keys_[j];
    draws_ = draws ? draws_ << kDrawBits | static_cast<std::uint32_t>(k) : draws_;
    count_ += draws ? 1 : 0;
  }

  /// Draws of the lane so far.
  [[nodiscard]] SWITCHYARD_FN int count() const { return count_; }
  /// put(k, place) for each of them.
  template <class Put>
  SWITCHYARD_FN void for_draws(Put put) const {
    for (int i = 0; i < Count; ++i)
      if (i < count_)
        put(static_cast<std::int32_t>(draws_ >> (kDrawBits * i) & 0xffU), place_of(count_ - 1 - i));
  }

 private:
  static constexpr int kBits = 4;
  static constexpr int kDrawBits = 8;
  using Draws = std::conditional_t<(Count * kDrawBits > 32), std::uint64_t, std::uint32_t>;
  using Order = std::conditional_t<(Count * kBits >= 32), std::uint64_t, std::uint32_t>;
  static_assert(Count * kBits < 64 && Count * kDrawBits <= 64);

  /// Of the lane's candidate number i.
  [[nodiscard]] SWITCHYARD_FN int place_of(int i) const {
    return static_cast<int>(order_ >> (kBits * i) & ((1U << kBits) - 1));
  }

  std::uint32_t keys_[Count];
  Order order_ = 0;  // places, the first in the lowest bits
  Draws draws_ = 0;  // numbers, the last in the lowest bits
  int count_ = 0;
};

/// Looked through at every draw: for many.
template <int Count>
class ScannedQueue {
 public:
  SWITCHYARD_FN explicit ScannedQueue(const std::uint32_t (&keys)[Count]) {
    for (int j = 0; j < Count; ++j) keys_[j] = keys[j];
    find();
  }

  [[nodiscard]] SWITCHYARD_FN std::uint32_t key() const { return key_; }
  [[nodiscard]] SWITCHYARD_FN int place() const { return place_; }
  SWITCHYARD_FN void draw_if(bool draws, std::int32_t /*k*/) {
    if (!draws) return;
    for (int j = 0; j < Count; ++j) keys_[j] = j == place_ ? 0U : keys_[j];
    find();
  }

 private:
  SWITCHYARD_FN void find() {
    key_ = keys_[0];
    place_ = 0;
    for (int j = 1; j < Count; ++j) {
      place_ = keys_[j] > key_ ? j : place_;
      key_ = keys_[j] > key_ ? keys_[j] : key_;
    }
  }

  std::uint32_t keys_[Count];
  std::uint32_t key_ = 0;
  int place_ = 0;
};

}  // namespace switchyard::kernels::simt
