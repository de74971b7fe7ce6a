// SPDX-License-Identifier: Apache-2.0
// A layer and a call with what the oracle says of them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>

#include "support/run_call.hpp"

namespace switchyard::test {

/// A layer, a call whose choice of experts is unambiguous, and what it must give.
struct LayerDraw {
  LayerCase layer;
  LayerOptions options;
  CallCase call;
  oracle::Result expected;
};

/// What is wrong with an outcome, or nothing.
inline std::string fault(const LayerDraw& drawn, const Outcome& outcome, double& worst) {
  const LayerConfig& config = drawn.layer.config;
  const oracle::Plan& got = outcome.plan.integers;
  const std::size_t pairs = drawn.expected.selected_ids.size();
  const oracle::Plan plan = oracle::plan(
      drawn.expected.selected_ids, drawn.layer.expert_map, static_cast<std::size_t>(config.top_k),
      static_cast<std::size_t>(config.local_experts()), outcome.plan.block_size,
      {got.selected_ids.size(), got.sorted_tokens.size(), got.block_ids.size()});
  if (got != plan) return "the plan differs";
  const std::vector<float> weights = outcome.plan.weights();
  for (std::size_t p = 0; p < weights.size(); ++p) {
    const Bounded expected = p < pairs ? drawn.expected.pair_weights[p] : Bounded{};
    if (!expected.within(static_cast<double>(weights[p]))) return "a weight differs";
  }
  const double error = worst_error(outcome.output, config.activation_dtype, drawn.expected.output);
  if (!(error <= 1.0)) return "the output is off by " + std::to_string(error) + " bounds";
  if (config.activation_dtype == DType::f32) worst = std::max(worst, error);
  return outcome.intact ? "" : "a canary is gone";
}

}  // namespace switchyard::test
