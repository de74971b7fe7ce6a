// SPDX-License-Identifier: Apache-2.0
/// \file
/// Reads the MoE block of a layer from a model directory as published on model hubs.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string_view>
#include <vector>

#include "switchyard/checkpoint/safetensors.hpp"
#include "switchyard/export.hpp"
#include "switchyard/layer_config.hpp"
#include "switchyard/weights.hpp"

namespace switchyard::checkpoint {

/// The MoE block of one layer in the library's layout, with the memory behind it. Tensors that the
/// file has in that layout are views into it; others are rearranged into memory of this object.
/// Outlives the Model it came from. Immutable, shareable between threads.
class SWITCHYARD_API MoeBlock {
 public:
  MoeBlock(MoeBlock&&) noexcept;
  MoeBlock& operator=(MoeBlock&&) noexcept;
  ~MoeBlock();

  /// Shapes, router and activation; both dtypes are that of the stored expert matrices. Passes
  /// switchyard::validate.
  [[nodiscard]] const LayerConfig& config() const noexcept;
  /// Views that live as long as this object. Shapes agree with config().
  [[nodiscard]] const HostMoeWeights& weights() const noexcept;

 private:
  friend class Model;
  struct Impl;
  explicit MoeBlock(std::unique_ptr<const Impl> impl) noexcept;
  std::unique_ptr<const Impl> impl_;
};

/// A model directory: config.json and model.safetensors, or model.safetensors.index.json with its
/// shards. Every file is treated as hostile, see docs/checkpoints.md for the rules. Immutable,
/// shareable between threads; copies share the files.
class SWITCHYARD_API Model {
 public:
  /// Reads the configuration and every file's header; no weights. Throws Error{io_failure},
  /// Error{malformed_file}, Error{unsupported_model} or Error{out_of_memory}.
  [[nodiscard]] static Model open(const std::filesystem::path& directory,
                                  ReadMode mode = ReadMode::map);

  Model(const Model&) noexcept;
  Model(Model&&) noexcept;
  Model& operator=(const Model&) noexcept;
  Model& operator=(Model&&) noexcept;
  ~Model();

  /// The family's name, as in "qwen3_moe": config.json's model_type, one name for the several that
  /// a family goes by ("llama4" also for the text model's "llama4_text").
  [[nodiscard]] std::string_view family() const noexcept;
  [[nodiscard]] std::int64_t num_layers() const noexcept;
  /// The layers that have an MoE block, ascending. The others are dense.
  [[nodiscard]] const std::vector<std::int64_t>& moe_layers() const noexcept;

  /// Reads the MoE block of layer `layer`. Throws Error{invalid_argument} where the layer does not
  /// exist or is dense, Error{malformed_file} where a tensor is missing or its shape contradicts
  /// config.json, Error{unsupported_model} where the weights are quantised.
  [[nodiscard]] MoeBlock load_layer(std::int64_t layer) const;

 private:
  friend class MoeBlock;
  struct Impl;
  explicit Model(std::shared_ptr<const Impl> impl) noexcept;
  std::shared_ptr<const Impl> impl_;
};

/// The model types that Model::open accepts, sorted.
[[nodiscard]] SWITCHYARD_API std::vector<std::string_view> families();

}  // namespace switchyard::checkpoint
