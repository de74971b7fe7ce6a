// SPDX-License-Identifier: Apache-2.0
// A router's recipe for people.
#pragma once

#include <string>

#include "switchyard/layer_config.hpp"
#include "switchyard/weights.hpp"

namespace switchyard::tools {

/// One line, e.g. "softmax of 16 logits; the best 4; divided by their sum".
[[nodiscard]] std::string router_text(const LayerConfig& config, const HostMoeWeights& weights);

}  // namespace switchyard::tools
