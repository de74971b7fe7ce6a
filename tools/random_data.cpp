// SPDX-License-Identifier: Apache-2.0
#include "random_data.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>
#include <utility>

#include "elements.hpp"
#include "parallel.hpp"
#include "switchyard/half.hpp"

namespace switchyard::tools {

std::uint64_t Random::next() noexcept {
  state_ += 0x9e3779b97f4a7c15U;
  std::uint64_t z = state_;
  z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9U;
  z = (z ^ (z >> 27U)) * 0x94d049bb133111ebU;
  return z ^ (z >> 31U);
}

double Random::uniform() noexcept {
  return static_cast<double>(next() >> 11U) * 0x1p-53;
}

double Random::normal() noexcept {
  const double radius = std::sqrt(-2.0 * std::log(1.0 - uniform()));
  return radius * std::cos(2.0 * std::numbers::pi * uniform());
}

std::vector<float> random_states(std::size_t count, std::uint64_t seed) {
  Random random(seed);
  std::vector<float> values(count);
  for (float& value : values) {
    value = static_cast<float>(bf16(static_cast<float>(random.normal())));
  }
  return values;
}

void fill_random(std::span<std::byte> bytes, DType dtype, double deviation, std::uint64_t seed,
                 int threads) {
  constexpr std::size_t kChunk = 1U << 16U;
  const std::size_t count = bytes.size() / size_of(dtype);
  const std::size_t chunks = (count + kChunk - 1) / kChunk;
  // A 24-bit integer around zero, scaled: its deviation is 2^24 / sqrt(12).
  const auto scale = static_cast<float>(deviation * std::sqrt(12.0) * 0x1p-24);
  parallel(threads, [&](int thread) {
    for (auto chunk = static_cast<std::size_t>(thread); chunk < chunks;
         chunk += static_cast<std::size_t>(threads)) {
      Random random(Random(seed ^ (chunk * 0x632be59bd9b4e019U)).next());
      const std::size_t last = std::min(count, (chunk + 1) * kChunk);
      for (std::size_t i = chunk * kChunk; i < last; ++i) {
        const auto bits = static_cast<std::int32_t>(random.next() >> 40U) - (1 << 23);
        store_element(bytes, dtype, i, static_cast<float>(bits) * scale);
      }
    }
  });
}

std::vector<float> random_logits(std::int64_t tokens, std::int64_t experts, LogitsKind kind,
                                 std::uint64_t seed) {
  Random random(seed);
  const auto width = static_cast<std::size_t>(experts);
  std::vector<double> base(width, 0.0);
  if (kind == LogitsKind::zipf) {
    // The popular experts are not the first ones.
    for (std::size_t e = 0; e < width; ++e) {
      base[e] = -std::log(static_cast<double>(e + 1));
    }
    for (std::size_t e = width; e > 1; --e) {
      std::swap(base[e - 1], base[random.next() % e]);
    }
  }
  std::vector<float> logits(static_cast<std::size_t>(tokens) * width);
  for (std::size_t i = 0; i < logits.size(); ++i) {
    logits[i] = static_cast<float>(base[i % width] + random.normal());
  }
  return logits;
}

}  // namespace switchyard::tools
