// SPDX-License-Identifier: Apache-2.0
// The layers that the benchmark knows by name.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "switchyard/layer_config.hpp"

namespace switchyard::tools {

/// A model's MoE layer: shapes, router and activation as published; dtypes are the benchmark's.
struct ModelShape {
  std::string_view name;
  LayerConfig config;            ///< Without the shared expert.
  std::int64_t shared_size = 0;  ///< Of the shared expert that --shared-expert adds; 0: none.
  bool correction_bias = false;
  bool expert_bias = false;
};

[[nodiscard]] std::span<const ModelShape> model_shapes();

/// The model called `name`, or null.
[[nodiscard]] const ModelShape* find_model_shape(std::string_view name);

/// "qwen3-30b-a3b, ...".
[[nodiscard]] std::string model_shape_names();

}  // namespace switchyard::tools
