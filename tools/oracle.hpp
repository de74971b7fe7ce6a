// SPDX-License-Identifier: Apache-2.0
// The layer in double, one token at a time, straight from its definition. Shares no code with the
// library's stages.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "switchyard/layer_config.hpp"
#include "switchyard/weights.hpp"

namespace switchyard::tools {

/// A token's choice.
struct OracleRoute {
  std::vector<std::int32_t> ids;  ///< [K] best first.
  std::vector<double> weights;    ///< [K]
  /// Smallest distance between what was selected and what was not. Where it is not clearly above
  /// the rounding of f32, another choice is right as well.
  double margin = 0.0;
};

/// Routes finite logits [E]; `correction_bias` is [E] or empty.
[[nodiscard]] OracleRoute oracle_route(const LayerConfig& config, std::span<const float> logits,
                                       std::span<const float> correction_bias);

/// The output row [H] of a token with these hidden states [H]. All experts are local.
[[nodiscard]] std::vector<double> oracle_output(const LayerConfig& config,
                                                const HostMoeWeights& weights,
                                                std::span<const float> hidden_states,
                                                const OracleRoute& route);

}  // namespace switchyard::tools
