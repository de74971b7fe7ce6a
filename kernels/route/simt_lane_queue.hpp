// SPDX-License-Identifier: Apache-2.0
// The candidates that one lane holds, drawn from it the greatest key first, equal keys in the order
// of their places. A key is above 0; a place is in [0, Count).
#pragma once

#include <cstdint>

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
    for (int j = 0; j < Count; ++j) order_ |= places[j] << (kBits * j);
  }

  /// The greatest key; 0: empty.
  [[nodiscard]] SWITCHYARD_FN std::uint32_t key() const { return keys_[0]; }
  [[nodiscard]] SWITCHYARD_FN int place() const {
    return static_cast<int>(order_ & ((1U << kBits) - 1));
  }
  SWITCHYARD_FN void draw_if(bool draws) {
    for (int j = 0; j < Count; ++j)
      keys_[j] = draws ? (j + 1 < Count ? keys_[j + 1] : 0U) : keys_[j];
    order_ = draws ? order_ >> kBits : order_;
  }

 private:
  static constexpr int kBits = 4;
  static_assert(Count * kBits <= 32);

  std::uint32_t keys_[Count];
  std::uint32_t order_ = 0;  // places, the first in the lowest bits
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
  SWITCHYARD_FN void draw_if(bool draws) {
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
