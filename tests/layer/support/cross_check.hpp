// SPDX-License-Identifier: Apache-2.0
// A random layer and call on two backends, and what of their results may not differ.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "support/layer_case.hpp"
#include "support/run_call.hpp"

namespace switchyard::test {

/// A layer and a call whose choice of experts is unambiguous, with the bounds of its output.
struct CrossDraw {
  LayerCase layer;
  LayerOptions options;
  CallCase call;
  std::vector<Bounded> output;
};

inline CrossDraw draw_cross_check(Random& random, const LayerBounds& bounds,
                                  std::int64_t max_tokens) {
  CrossDraw drawn;
  for (;;) {
    drawn.layer = random_layer(random, bounds);
    drawn.options.block_size = random.pick({16, 32, 64});
    const Routing routing = random.pick({Routing::gate, Routing::logits, Routing::preselected});
    drawn.call = random_call(random, drawn.layer, random.in(0, max_tokens), routing);
    const oracle::Result result =
        oracle::forward(drawn.layer.config, drawn.layer.reference(), drawn.call.reference());
    drawn.output = result.output;
    if (!result.ambiguous) return drawn;
  }
}

/// What of `outcome` disagrees with the CPU's, or nothing. Two results that are each within
/// `bounds` of the exact one are within twice of each other. There is no bound where the exact
/// result overflows: it is infinite, or no number, which the CPU's result is not either then.
inline std::string disagreement(const CrossDraw& drawn, const Outcome& outcome,
                                const Outcome& cpu) {
  if (outcome.plan.integers != cpu.plan.integers) return "the plans differ";
  if (outcome.plan.weight_bits != cpu.plan.weight_bits) return "the weights differ";
  if (!outcome.intact) return "a canary is gone";
  const DType dtype = drawn.layer.config.activation_dtype;
  const std::vector<double> values = decode_all(outcome.output, dtype);
  const std::vector<double> cpu_values = decode_all(cpu.output, dtype);
  for (std::size_t i = 0; i < drawn.output.size(); ++i) {
    const double bound = 2.0 * drawn.output[i].bound;
    if (values[i] == cpu_values[i] || std::isinf(bound)) continue;
    if (std::isnan(bound) && !std::isfinite(cpu_values[i])) continue;
    const double error = std::abs(values[i] - cpu_values[i]);
    if (!(error <= bound))
      return "the output is off by " + std::to_string(error / bound) + " bounds";
  }
  return "";
}

}  // namespace switchyard::test
