// SPDX-License-Identifier: Apache-2.0
// What a layer does, in words.
#pragma once

#include <cstdint>
#include <string>

#include "switchyard/export.hpp"
#include "switchyard/forward_path.hpp"
#include "switchyard/layer_config.hpp"

namespace switchyard::core {

/// What describe() reports beside the config.
struct CallDescription {
  std::int64_t num_tokens;
  std::int32_t block_size;
  bool computes_logits;
  ForwardPath path;
  std::string products;  ///< DescribingBackend::describe_products; empty: there is nothing to say.
};

/// MoeLayer::describe.
[[nodiscard]] SWITCHYARD_API std::string describe(const LayerConfig& config,
                                                  const CallDescription& call);

}  // namespace switchyard::core
