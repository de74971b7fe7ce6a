// SPDX-License-Identifier: Apache-2.0
#include "verify.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include "compare.hpp"
#include "elements.hpp"
#include "oracle.hpp"

namespace switchyard::tools {
namespace {

constexpr double kClearMargin = 1e-5;
constexpr double kWeightTolerance = 1e-5;

// The weight of a pair where the call chose what the oracle did; a fault otherwise.
std::string compare_route(const CheckedCall& call, std::size_t token, const OracleRoute& route) {
  const std::size_t k = route.ids.size();
  for (std::size_t i = 0; i < k; ++i) {
    const std::size_t pair = token * k + i;
    const std::int32_t id = call.plan.selected_ids[pair];
    const auto found = std::find(route.ids.begin(), route.ids.end(), id);
    if (found == route.ids.end()) {
      return fmt::format("token {} goes to expert {}, must be one of [{}]", token, id,
                         fmt::join(route.ids, ", "));
    }
    const double expected = route.weights[static_cast<std::size_t>(found - route.ids.begin())];
    const double weight = call.plan.pair_weights[pair];
    if (!(std::abs(weight - expected) <= kWeightTolerance * std::abs(expected) + 1e-7)) {
      return fmt::format("the weight of token {} for expert {} is {}, must be {}", token, id,
                         weight, expected);
    }
  }
  return {};
}

}  // namespace

double row_error_bound(const LayerConfig& config) {
  constexpr double kF32 = 0x1p-24;
  const double sums = std::sqrt(static_cast<double>(config.hidden_size)) +
                      std::sqrt(static_cast<double>(config.intermediate_size)) +
                      std::sqrt(static_cast<double>(config.top_k));
  const double stored = config.activation_dtype == DType::bf16  ? 0x1p-8
                        : config.activation_dtype == DType::f16 ? 0x1p-11
                                                                : kF32;
  return 2.0 * stored + 4.0 * kF32 * sums;
}

Verification verify_call(const CheckedCall& call, int max_tokens) {
  const auto hidden = static_cast<std::size_t>(call.config.hidden_size);
  const auto experts = static_cast<std::size_t>(call.config.num_experts);
  const std::size_t tokens = call.output.size() / hidden;
  const HostTensor& bias_tensor = call.weights.correction_bias;
  const std::vector<float> bias = bias_tensor.present()
                                      ? to_floats(bias_tensor.bytes, bias_tensor.dtype)
                                      : std::vector<float>();

  Verification result;
  result.bound = row_error_bound(call.config);
  if (!all_finite(call.output)) {
    result.fault = "the output holds values that are not finite";
    return result;
  }
  if (call.plan.expert_offsets.back() != static_cast<std::int32_t>(call.plan.selected_ids.size())) {
    result.fault = fmt::format("the plan has {} rows, must have {}",
                               call.plan.expert_offsets.back(), call.plan.selected_ids.size());
    return result;
  }
  const std::size_t wanted = std::min(tokens, static_cast<std::size_t>(max_tokens));
  std::size_t next = 0;
  for (std::size_t i = 0; i < wanted; ++i) {
    // The first, the last and evenly spaced between.
    std::size_t token = wanted == 1 ? 0 : i * (tokens - 1) / (wanted - 1);
    token = std::max(token, next);
    OracleRoute route;
    while (token < tokens) {
      route = oracle_route(call.config, call.logits.subspan(token * experts, experts), bias);
      if (route.margin > kClearMargin * std::abs(route.weights.back())) {
        break;
      }
      ++token;
    }
    if (token >= tokens) {
      break;
    }
    next = token + 1;
    result.fault = compare_route(call, token, route);
    if (!result.fault.empty()) {
      return result;
    }
    const std::vector<double> expected = oracle_output(
        call.config, call.weights, call.hidden_states.subspan(token * hidden, hidden), route);
    double squares = 0.0;
    double expected_squares = 0.0;
    for (std::size_t h = 0; h < hidden; ++h) {
      const double d = static_cast<double>(call.output[token * hidden + h]) - expected[h];
      squares += d * d;
      expected_squares += expected[h] * expected[h];
    }
    const double error = std::sqrt(squares / expected_squares);
    ++result.tokens_checked;
    result.rel_error = std::max(result.rel_error, error);
    if (!(error <= result.bound)) {
      result.fault = fmt::format("rel_error of token {} is {:.3g}, must be at most {:.3g}", token,
                                 error, result.bound);
      return result;
    }
  }
  if (result.tokens_checked == 0) {
    result.fault = "no token could be checked: every choice hangs on rounding";
  }
  return result;
}

}  // namespace switchyard::tools
