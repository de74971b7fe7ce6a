// SPDX-License-Identifier: Apache-2.0
// Reproducible random tensors: the same seed gives the same values on every machine and for any
// number of threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "switchyard/dtype.hpp"

namespace switchyard::tools {

/// SplitMix64: a small generator whose streams may start anywhere.
class Random {
 public:
  explicit Random(std::uint64_t seed) noexcept : state_(seed) {}

  [[nodiscard]] std::uint64_t next() noexcept;
  [[nodiscard]] double uniform() noexcept;  ///< In [0, 1).
  [[nodiscard]] double normal() noexcept;   ///< Mean 0, deviation 1.

 private:
  std::uint64_t state_;
};

/// `count` normal values, each representable in every dtype of the library.
[[nodiscard]] std::vector<float> random_states(std::size_t count, std::uint64_t seed);

/// Fills a tensor with uniform values of standard deviation `deviation` by `threads` threads.
void fill_random(std::span<std::byte> bytes, DType dtype, double deviation, std::uint64_t seed,
                 int threads);

/// How the router's logits are distributed.
enum class LogitsKind : std::uint8_t {
  normal,  ///< Independent normal values: an even load.
  zipf,    ///< The same plus the logarithm of a Zipf popularity of the expert: a skewed load.
};

/// Logits of `tokens` tokens over `experts` experts, [tokens, experts].
[[nodiscard]] std::vector<float> random_logits(std::int64_t tokens, std::int64_t experts,
                                               LogitsKind kind, std::uint64_t seed);

}  // namespace switchyard::tools
