// SPDX-License-Identifier: Apache-2.0
// The tensors of one layer, found by name and checked against the configuration.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "core/checkpoint/family.hpp"
#include "core/checkpoint/tensor_store.hpp"
#include "switchyard/weights.hpp"

namespace switchyard::checkpoint {

/// A layer's names, resolved: "model.layers.1." and the like, and which of the family's namings.
class LayerTensors {
 public:
  /// Finds out how the file names layer `layer`. `what` begins the messages. Throws where no naming
  /// of the family fits.
  LayerTensors(const TensorStore& store, const Family& family, std::int64_t layer,
               bool correction_bias, std::string what);

  [[nodiscard]] const TensorNames& names() const noexcept { return *names_; }
  /// The expert tensors' naming that the file uses.
  [[nodiscard]] const ExpertNames& experts() const noexcept { return *experts_; }

  /// The tensor, as it is. Throws Error{malformed_file} where it is missing or its shape is not
  /// `shape` (leading extents of 1 beyond its rank do not count), Error{unsupported_model} where
  /// its elements are neither f32, bf16 nor f16 or it is there in a quantised form only.
  [[nodiscard]] HostTensor get(std::string_view name,
                               std::initializer_list<std::int64_t> shape) const;
  /// The tensor of expert `expert`: "{}" in `name` is replaced.
  [[nodiscard]] HostTensor get_of_expert(std::string_view name, std::int64_t expert,
                                         std::initializer_list<std::int64_t> shape) const;
  /// Whether the tensor has exactly that shape.
  [[nodiscard]] bool has_shape(std::string_view name,
                               std::initializer_list<std::int64_t> shape) const;

  [[nodiscard]] const std::string& what() const noexcept { return what_; }

 private:
  [[nodiscard]] const TensorEntry* find(std::string_view name) const;
  [[nodiscard]] bool any_of(const ExpertNames& experts) const;
  void choose_names(const Family& family, std::int64_t layer, bool correction_bias);
  void choose_experts();
  [[noreturn]] void missing(const std::string& full_name) const;

  const TensorStore& store_;
  std::string what_;
  std::string prefix_;
  const TensorNames* names_ = nullptr;
  const ExpertNames* experts_ = nullptr;
};

/// `pattern` with "{}" replaced by `expert`.
[[nodiscard]] std::string expert_name(std::string_view pattern, std::int64_t expert);

}  // namespace switchyard::checkpoint
