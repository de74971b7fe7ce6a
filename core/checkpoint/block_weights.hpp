// SPDX-License-Identifier: Apache-2.0
// A layer's tensors in the library's layout.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "core/checkpoint/layer_tensors.hpp"
#include "switchyard/layer_config.hpp"
#include "switchyard/weights.hpp"

namespace switchyard::checkpoint {

/// Weights and the memory of those that were rearranged; the others view the files.
struct BlockWeights {
  HostMoeWeights weights;
  std::vector<std::unique_ptr<std::byte[]>> owned;
};

/// Reads the block that `config` describes. Every tensor is checked before anything is allocated.
[[nodiscard]] BlockWeights read_block_weights(const LayerTensors& tensors,
                                              const LayerConfig& config, bool correction_bias);

}  // namespace switchyard::checkpoint
