// SPDX-License-Identifier: Apache-2.0
// Random weights of one layer in host memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "model_shapes.hpp"
#include "switchyard/layer_config.hpp"
#include "switchyard/weights.hpp"

namespace switchyard::tools {

/// Bytes of the experts' matrices, the shared expert's included, in config.weight_dtype.
[[nodiscard]] double weight_bytes(const LayerConfig& config);

/// Owns tensors of config.weight_dtype, scaled so that outputs are of the order of the inputs. No
/// router: the caller brings logits.
class RandomWeights {
 public:
  RandomWeights(const LayerConfig& config, const ModelShape& shape, std::uint64_t seed,
                int threads);

  [[nodiscard]] const HostMoeWeights& view() const noexcept { return view_; }

 private:
  HostTensor make(DType dtype, std::array<std::int64_t, 3> extents, double deviation);

  std::uint64_t seed_;
  int threads_;
  std::vector<std::unique_ptr<std::byte[]>> memory_;
  HostMoeWeights view_;
};

}  // namespace switchyard::tools
