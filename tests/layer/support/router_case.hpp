// SPDX-License-Identifier: Apache-2.0
// A layer whose router is what a test is about.
#pragma once

#include <cstdint>

#include "support/run_call.hpp"
#include "switchyard/router.hpp"

namespace switchyard::test {

/// A layer of so many small experts.
inline LayerCase router_case(std::int64_t experts, std::int64_t top_k, const RouterConfig& router) {
  LayerCase layer;
  LayerConfig& config = layer.config;
  config.hidden_size = config.intermediate_size = 8;
  config.num_experts = experts;
  config.top_k = top_k;
  config.router = router;
  Random random(static_cast<std::uint64_t>(experts));
  fill_tensors(random, layer, false);
  return layer;
}

}  // namespace switchyard::test
