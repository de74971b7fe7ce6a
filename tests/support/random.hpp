// SPDX-License-Identifier: Apache-2.0
// The tests' random numbers: the same on every machine, from a seed that failures print.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>

namespace switchyard::test {

/// SplitMix64. The seed fixes the sequence.
class Random {
 public:
  explicit Random(std::uint64_t seed) noexcept : state_(seed) {}

  std::uint64_t bits() noexcept {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15U);
    z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27U)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31U);
  }

  /// An integer in [low, high].
  std::int64_t in(std::int64_t low, std::int64_t high) noexcept {
    const auto range = static_cast<std::uint64_t>(high - low) + 1;
    return low + static_cast<std::int64_t>(bits() % range);
  }

  /// A number in [low, high).
  double uniform(double low, double high) noexcept {
    return low + (high - low) * (static_cast<double>(bits() >> 11U) * 0x1p-53);
  }

  /// A standard normal number.
  double normal() noexcept {
    const double radius = std::sqrt(-2.0 * std::log(1.0 - uniform(0.0, 1.0)));
    return radius * std::cos(6.283185307179586 * uniform(0.0, 1.0));
  }

  bool chance(double probability) noexcept { return uniform(0.0, 1.0) < probability; }

  template <class T>
  T pick(std::initializer_list<T> choices) noexcept {
    return choices.begin()[in(0, static_cast<std::int64_t>(choices.size()) - 1)];
  }

  template <class T>
  void shuffle(std::span<T> items) noexcept {
    for (std::size_t i = items.size(); i > 1; --i) {
      const auto j = static_cast<std::size_t>(in(0, static_cast<std::int64_t>(i) - 1));
      const T kept = items[i - 1];
      items[i - 1] = items[j];
      items[j] = kept;
    }
  }

 private:
  std::uint64_t state_;
};

}  // namespace switchyard::test
