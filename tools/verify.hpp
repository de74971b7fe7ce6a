// SPDX-License-Identifier: Apache-2.0
// Checks a call of the layer against the oracle.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "host_plan.hpp"
#include "switchyard/layer_config.hpp"
#include "switchyard/weights.hpp"

namespace switchyard::tools {

/// One call and what it gave. T tokens.
struct CheckedCall {
  const LayerConfig& config;
  const HostMoeWeights& weights;
  std::span<const float> hidden_states;  ///< [T, H], as the layer got them.
  std::span<const float> logits;         ///< [T, E]
  std::span<const float> output;         ///< [T, H]
  const HostPlan& plan;
};

/// What the check found.
struct Verification {
  std::string fault;  ///< Empty: the result is right.
  std::int64_t tokens_checked = 0;
  double rel_error = 0.0;  ///< Largest of a token's row.
  double bound = 0.0;      ///< Largest right one.
};

/// Largest rel_error of a row: the rounding of what is stored in the activation dtype, plus that
/// of f32 sums over H, I and K.
[[nodiscard]] double row_error_bound(const LayerConfig& config);

/// Compares ids, weights and output rows of up to max_tokens tokens, spread over the call. A token
/// whose choice hangs on the rounding of f32 is passed over for its neighbour.
[[nodiscard]] Verification verify_call(const CheckedCall& call, int max_tokens);

}  // namespace switchyard::tools
