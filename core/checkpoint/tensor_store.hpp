// SPDX-License-Identifier: Apache-2.0
// The tensors of a model directory, in one file or in shards.
#pragma once

#include <string_view>
#include <vector>

#include "core/checkpoint/file.hpp"
#include "core/checkpoint/shard_index.hpp"
#include "switchyard/checkpoint/safetensors.hpp"

namespace switchyard::checkpoint {

/// Immutable. Every tensor that the index lists is in the shard that it names.
class TensorStore {
 public:
  TensorStore(const Directory& directory, ReadMode mode);

  /// The tensor of that name, or null. Of a sharded model: of those that the index lists.
  [[nodiscard]] const TensorEntry* find(std::string_view name) const noexcept;

 private:
  [[nodiscard]] static SafetensorsFile open(const Directory& directory, const std::string& name,
                                            Links links, ReadMode mode);

  ShardIndex index_;
  std::vector<SafetensorsFile> files_;
  bool sharded_ = false;
};

}  // namespace switchyard::checkpoint
