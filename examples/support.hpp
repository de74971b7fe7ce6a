// SPDX-License-Identifier: Apache-2.0
// What the examples share: a small layer with random weights, and device memory to host and back.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <random>
#include <span>
#include <vector>

#include "switchyard/default_backend.hpp"
#include "switchyard/moe_layer.hpp"

namespace example {

using switchyard::DType;
using Backend = switchyard::DefaultBackend;
using Layer = switchyard::MoeLayer<Backend>;
using Scratch = switchyard::MoeScratch<Backend>;

inline std::vector<float> random_floats(std::int64_t count, unsigned seed) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> normal(0.0F, 0.3F);
  std::vector<float> values(static_cast<std::size_t>(count));
  for (float& value : values) value = normal(generator);
  return values;
}

/// A Mixtral-like layer: 8 experts, 2 per token, hidden size 64, intermediate size 32.
struct SmallLayer {
  switchyard::LayerConfig config{.hidden_size = 64,
                                 .intermediate_size = 32,
                                 .num_experts = 8,
                                 .top_k = 2,
                                 .router = switchyard::routers::mixtral()};
  std::vector<float> gate_up = random_floats(8 * 64 * 64, 1);  // [E, 2*I, H]
  std::vector<float> down = random_floats(8 * 64 * 32, 2);     // [E, H, I]
  std::vector<float> router = random_floats(8 * 64, 3);        // [E, H]

  /// The weights of experts [first, first + count).
  [[nodiscard]] switchyard::HostMoeWeights weights(std::int64_t first = 0,
                                                   std::int64_t count = 8) const {
    const auto part = [&](const std::vector<float>& all) {
      const std::size_t each = all.size() / 8;
      return std::as_bytes(std::span(all).subspan(static_cast<std::size_t>(first) * each,
                                                  static_cast<std::size_t>(count) * each));
    };
    switchyard::HostMoeWeights result;
    result.gate_up = {part(gate_up), DType::f32, {count, 64, 64}};
    result.down = {part(down), DType::f32, {count, 64, 32}};
    result.router = {std::as_bytes(std::span(router)), DType::f32, {1, 8, 64}};
    return result;
  }
};

template <class T>
Backend::Buffer<T> to_device(Backend& backend, Backend::Stream& stream,
                             const std::vector<T>& values) {
  auto buffer = backend.allocate<T>(values.size());
  backend.upload(stream, as_writable_bytes(buffer.span()), std::as_bytes(std::span(values)));
  backend.synchronize(stream);
  return buffer;
}

template <class T>
std::vector<T> to_host(Backend& backend, Backend::Stream& stream, switchyard::DeviceSpan<T> span) {
  std::vector<T> values(span.size());
  backend.download(stream, std::as_writable_bytes(std::span(values)), as_bytes(span));
  backend.synchronize(stream);
  return values;
}

/// A [rows, cols] matrix of f32 in device memory.
inline switchyard::DeviceMatrix matrix(const Backend::Buffer<float>& buffer, std::int64_t cols) {
  return {buffer.span().data(), DType::f32, static_cast<std::int64_t>(buffer.size()) / cols, cols};
}

/// Prints what was checked; the exit status of the example.
inline int report(const char* what, bool holds) {
  std::printf("%s: %s\n", what, holds ? "yes" : "NO");
  return holds ? 0 : 1;
}

}  // namespace example
