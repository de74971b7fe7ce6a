// SPDX-License-Identifier: Apache-2.0
// The candidates that one lane holds, drawn from it the greatest key first; those with places,
// which are in [0, Count), equal keys in the order of these. A key is above 0.
#pragma once

#include <cstdint>

#include "kernels/function.hpp"

namespace switchyard::kernels::simt {

/// Keys that name their candidates: sorted once, so that a draw is a step. Count is a power of two.
template <int Count>
class SortedKeys {
 public:
  SWITCHYARD_FN explicit SortedKeys(const std::uint32_t (&keys)[Count]) {
    for (int j = 0; j < Count; ++j) keys_[j] = keys[j];
    sort<0, Count>();
  }

  /// The greatest key; 0: empty.
  [[nodiscard]] SWITCHYARD_FN std::uint32_t key() const { return keys_[0]; }
  SWITCHYARD_FN void draw_if(bool draws) {
    for (int j = 0; j < Count; ++j)
      keys_[j] = draws ? (j + 1 < Count ? keys_[j + 1] : 0U) : keys_[j];
  }

 private:
  /// Batcher's merge sort of Length keys from First on.
  template <int First, int Length>
  SWITCHYARD_FN void sort() {
    if constexpr (Length > 1) {
      sort<First, Length / 2>();
      sort<First + Length / 2, Length / 2>();
      merge<First, Length, 1>();
    }
  }
  /// Of those keys every Step-th, the halves of which are sorted.
  template <int First, int Length, int Step>
  SWITCHYARD_FN void merge() {
    if constexpr (2 * Step < Length) {
      merge<First, Length, 2 * Step>();
      merge<First + Step, Length, 2 * Step>();
      for (int i = First + Step; i + Step < First + Length; i += 2 * Step) order(i, i + Step);
    } else {
      order(First, First + Step);
    }
  }
  SWITCHYARD_FN void order(int first, int second) {
    const std::uint32_t greater = keys_[first] > keys_[second] ? keys_[first] : keys_[second];
    const std::uint32_t lesser = keys_[first] > keys_[second] ? keys_[second] : keys_[first];
    keys_[first] = greater;
    keys_[second] = lesser;
  }

  std::uint32_t keys_[Count];
};

/// Candidates with places, looked through at every draw.
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
