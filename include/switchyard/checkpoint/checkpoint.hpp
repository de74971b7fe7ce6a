// SPDX-License-Identifier: Apache-2.0
/// \file
/// Reads the MoE block of a layer from a model directory as published on model hubs.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "switchyard/export.hpp"
#include "switchyard/layer_config.hpp"
#include "switchyard/weights.hpp"

namespace switchyard::checkpoint {

/// The MoE block of one layer in the library's layout, with the memory behind it.
class SWITCHYARD_API MoeBlock {
 public:
  /// Shapes, router and activation; dtypes: weights as stored, activations the same.
  [[nodiscard]] const LayerConfig& config() const noexcept;
  /// Views that live as long as this object.
  [[nodiscard]] const HostMoeWeights& weights() const noexcept;
  // (special members, Impl)
};

/// A model directory: config.json and model.safetensors or model.safetensors.index.json with its
/// shards, memory-mapped. Every file is treated as hostile. Immutable, shareable between threads.
class SWITCHYARD_API Model {
 public:
  /// Throws Error{io_failure}, Error{malformed_file} or Error{unsupported_model}.
  [[nodiscard]] static Model open(const std::filesystem::path& directory);

  [[nodiscard]] std::string_view family() const noexcept;  ///< config.json's model_type.
  [[nodiscard]] std::int64_t num_layers() const noexcept;
  /// Reads layer `layer`. Throws Error{invalid_argument} where it does not exist or is dense.
  [[nodiscard]] MoeBlock load_layer(std::int64_t layer) const;
};

/// The model types that Model::open accepts.
[[nodiscard]] SWITCHYARD_API std::vector<std::string_view> families();

}  // namespace switchyard::checkpoint
