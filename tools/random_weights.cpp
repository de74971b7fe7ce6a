// SPDX-License-Identifier: Apache-2.0
#include "random_weights.hpp"

#include <array>
#include <cmath>
#include <span>

#include "random_data.hpp"

namespace switchyard::tools {

double weight_bytes(const LayerConfig& config) {
  const auto matrices = static_cast<double>(config.activation.rows_per_feature() + 1);
  const auto hidden = static_cast<double>(config.hidden_size);
  const double features =
      static_cast<double>(config.local_experts()) * static_cast<double>(config.intermediate_size) +
      static_cast<double>(config.shared_expert.intermediate_size);
  return matrices * features * hidden * static_cast<double>(size_of(config.weight_dtype));
}

RandomWeights::RandomWeights(const LayerConfig& config, const ModelShape& shape, std::uint64_t seed,
                             int threads)
    : seed_(seed), threads_(threads) {
  const std::int64_t experts = config.local_experts();
  const std::int64_t hidden = config.hidden_size;
  const std::int64_t inner = config.intermediate_size;
  const std::int64_t rows = config.activation.rows_per_feature();
  const std::int64_t shared = config.shared_expert.intermediate_size;
  const DType dtype = config.weight_dtype;
  const double to_inner = 1.0 / std::sqrt(static_cast<double>(hidden));
  const double to_hidden = 1.0 / std::sqrt(static_cast<double>(inner));

  view_.gate_up = make(dtype, {experts, rows * inner, hidden}, to_inner);
  view_.down = make(dtype, {experts, hidden, inner}, to_hidden);
  if (shape.expert_bias) {
    view_.gate_up_bias = make(dtype, {1, experts, rows * inner}, 0.1);
    view_.down_bias = make(dtype, {1, experts, hidden}, 0.1);
  }
  if (shape.correction_bias) {
    view_.correction_bias = make(DType::f32, {1, 1, config.num_experts}, 0.05);
  }
  if (shared > 0) {
    view_.shared_gate_up = make(dtype, {1, rows * shared, hidden}, to_inner);
    view_.shared_down =
        make(dtype, {1, hidden, shared}, 1.0 / std::sqrt(static_cast<double>(shared)));
  }
}

HostTensor RandomWeights::make(DType dtype, std::array<std::int64_t, 3> extents, double deviation) {
  const auto count = static_cast<std::size_t>(extents[0]) * static_cast<std::size_t>(extents[1]) *
                     static_cast<std::size_t>(extents[2]);
  const std::size_t bytes = count * size_of(dtype);
  memory_.push_back(std::make_unique_for_overwrite<std::byte[]>(bytes));
  const std::span<std::byte> span(memory_.back().get(), bytes);
  fill_random(span, dtype, deviation, seed_ + memory_.size(), threads_);
  return {.bytes = span, .dtype = dtype, .shape = extents};
}

}  // namespace switchyard::tools
