// SPDX-License-Identifier: Apache-2.0
// CUDA's whole layer in one kernel beside the CPU backend and the oracle.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "layer/support/rows_of.hpp"
#include "support/cpu_bodies.hpp"
#include "support/layer_case.hpp"
#include "support/run_call.hpp"
#include "switchyard/backends/cpu.hpp"
#include "switchyard/backends/cuda.hpp"

namespace switchyard::test {

/// A layer on one thread of the CPU and the same one on CUDA, which runs its calls in one kernel
/// where the device has it.
class FusedAndCpu {
 public:
  explicit FusedAndCpu(const LayerCase& layer)
      : case_(layer),
        cpu_(cpu_session_.backend, cpu_session_.stream, layer.config, layer.host()),
        cuda_(session_.backend, session_.stream, layer.config, layer.host(), wanted()) {}

  /// Whether the call runs in one kernel.
  [[nodiscard]] bool fuses(const CallCase& call) {
    MoeInputs inputs;
    inputs.hidden_states.rows = call.num_tokens;
    return cuda_.forward_path(inputs) == ForwardPath::fused_layer;
  }

  Outcome run(const CallCase& call, const RunOptions& options = {}) {
    return run_call(session_, cuda_, call, options);
  }

  /// What is wrong, or nothing. The oracle looks at some of the tokens.
  std::string check(Random& random, const CallCase& call, const RunOptions& options) {
    const Outcome cpu = run_call(cpu_session_, cpu_, call, options);
    const Outcome fused = run(call, options);
    if (fused.plan.integers != cpu.plan.integers) return "the plans differ";
    if (fused.plan.weight_bits != cpu.plan.weight_bits) return "the weights differ";
    if (!fused.intact) return "a canary is gone";
    return wrong_output(random, call, fused);
  }

  [[nodiscard]] Session<CudaBackend>& session() { return session_; }
  [[nodiscard]] MoeLayer<CudaBackend>& layer() { return cuda_; }

 private:
  static LayerOptions wanted() {
    LayerOptions options;
    options.forward_path = ForwardPath::fused_layer;
    return options;
  }

  std::string wrong_output(Random& random, const CallCase& call, const Outcome& outcome) {
    const LayerConfig& config = case_.config;
    const auto live = static_cast<std::int64_t>(call.reference().live_tokens);
    const auto row =
        static_cast<std::size_t>(config.hidden_size) * size_of(config.activation_dtype);
    const std::span<const std::byte> output(outcome.output);
    for (const std::byte b : output.subspan(static_cast<std::size_t>(live) * row))
      if (b != std::byte{}) return "a token that is not live has an output";
    std::vector<std::size_t> tokens;
    for (std::int64_t i = 0; i < std::min<std::int64_t>(live, 4); ++i)
      tokens.push_back(static_cast<std::size_t>(random.in(0, live - 1)));
    CallCase part = rows_of(call, config, tokens);
    part.live_tokens.reset();
    const oracle::Result expected = oracle::forward(config, weights_, part.reference());
    if (expected.ambiguous) return "";
    std::vector<std::byte> rows;
    for (const std::size_t t : tokens)
      rows.insert(rows.end(), output.begin() + static_cast<std::ptrdiff_t>(t * row),
                  output.begin() + static_cast<std::ptrdiff_t>((t + 1) * row));
    const bool overflows = std::any_of(expected.output.begin(), expected.output.end(),
                                       [](const Bounded& b) { return !std::isfinite(b.bound); });
    const double error = worst_error(rows, config.activation_dtype, expected.output);
    if (overflows || error <= 1.0) return "";
    return "the output is off by " + std::to_string(error) + " bounds";
  }

  const LayerCase& case_;
  const oracle::Weights weights_ = case_.reference();
  Session<CpuBackend> cpu_session_{make_cpu(CpuBodies::automatic, 1)};
  Session<CudaBackend> session_;
  MoeLayer<CpuBackend> cpu_;
  MoeLayer<CudaBackend> cuda_;
};

}  // namespace switchyard::test
