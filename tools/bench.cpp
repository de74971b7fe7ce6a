// SPDX-License-Identifier: Apache-2.0
#include "bench.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "random_weights.hpp"
#include "switchyard/error.hpp"
#include "switchyard/workspace.hpp"
#include "text.hpp"

namespace switchyard::tools {
namespace {

constexpr int kMaxWeightSets = 64;
constexpr double kUsableShare = 0.92;  // of the available memory

double as_double(std::int64_t value) {
  return static_cast<double>(value);
}

// Experts that fit into `available` bytes, a multiple of the router's groups.
std::int64_t fitting_experts(const BenchRequest& request, double copies, double available) {
  const LayerConfig& config = request.shape.config;
  const MemoryNeed need = memory_need(request);
  const double per_expert = need.weights / as_double(config.num_experts);
  const double fitting = std::max(0.0, (available - need.other) / (copies * per_expert));
  const std::int64_t groups = config.router.num_groups;
  return std::min(static_cast<std::int64_t>(fitting), config.num_experts) / groups * groups;
}

std::string too_large(const BenchRequest& request, double needed, double copies, double available) {
  const LayerConfig& config = request.shape.config;
  std::string text = fmt::format(
      "the weights take {} ({} experts, {}) and {:.0f} copies are in memory at once: {} are "
      "needed, {} may be used; try ",
      bytes_text(memory_need(request).weights), config.num_experts, name(config.weight_dtype),
      copies, bytes_text(needed), bytes_text(available));
  const std::int64_t fitting = fitting_experts(request, copies, available);
  text += fitting >= config.top_k ? fmt::format("--experts {} or fewer", fitting)
                                  : std::string("smaller sizes or fewer tokens");
  if (config.weight_dtype == DType::f32) {
    BenchRequest half = request;
    half.shape.config.weight_dtype = DType::bf16;
    half.shape.config.activation_dtype = DType::bf16;
    const std::int64_t fitting_half = fitting_experts(half, copies, available);
    text += fitting_half == config.num_experts
                ? std::string(", or --dtype bf16")
                : fmt::format(" ({} with --dtype bf16)", fitting_half);
  }
  return text;
}

}  // namespace

double BenchCell::floor_us(const Ceilings& ceilings) const {
  const double by_bytes = bytes / ceilings.bytes_per_second;
  const double by_flops = ceilings.flops_per_second > 0.0 ? flops / ceilings.flops_per_second : 0.0;
  return std::max(by_bytes, by_flops) * 1e6;
}

double BenchCell::bandwidth_percent(const Ceilings& ceilings) const {
  return 100.0 * bytes_per_second() / ceilings.bytes_per_second;
}

double BenchCell::peak_percent(const Ceilings& ceilings) const {
  return ceilings.flops_per_second > 0.0 ? 100.0 * flops_per_second() / ceilings.flops_per_second
                                         : 0.0;
}

double least_bytes(const LayerConfig& config, const ModelShape& shape, std::int64_t num_tokens,
                   std::int64_t active_experts) {
  LayerConfig active = config;
  active.num_experts = active_experts;
  active.num_local_experts = 0;
  const double element = static_cast<double>(size_of(config.activation_dtype));
  double bytes = weight_bytes(active);
  if (shape.expert_bias) {
    bytes += as_double(active_experts) * 4.0 *
             as_double(config.activation.rows_per_feature() * config.intermediate_size +
                       config.hidden_size);
  }
  bytes += as_double(num_tokens) *
           (2.0 * as_double(config.hidden_size) * element + 4.0 * as_double(config.num_experts));
  return bytes;
}

double least_flops(const LayerConfig& config, std::int64_t num_tokens) {
  const double features = as_double(config.top_k) * as_double(config.intermediate_size) +
                          as_double(config.shared_expert.intermediate_size);
  return 2.0 * as_double(num_tokens) * features * as_double(config.hidden_size) *
         as_double(config.activation.rows_per_feature() + 1);
}

MemoryNeed memory_need(const BenchRequest& request) {
  const LayerConfig& config = request.shape.config;
  const std::int64_t tokens = *std::max_element(request.tokens.begin(), request.tokens.end());
  const double states = as_double(tokens) * as_double(config.hidden_size);
  const double logits = as_double(tokens) * as_double(config.num_experts);
  // Hidden states and output on both sides, in the activation dtype and as f32; logits twice.
  // Inputs that take turns are all there.
  return {.weights = weight_bytes(config),
          .other = static_cast<double>(plan_workspace(config, tokens).total_bytes) +
                   kInputSets * states *
                       (8.0 + 4.0 * static_cast<double>(size_of(config.activation_dtype))) +
                   kInputSets * logits * 8.0};
}

void check_memory(const BenchRequest& request, double copies, std::uint64_t available) {
  const MemoryNeed need = memory_need(request);
  const double total = copies * need.weights + need.other;
  const double usable = kUsableShare * static_cast<double>(available);
  if (available > 0 && total > usable) {
    throw Error(ErrorCode::out_of_memory, too_large(request, total, copies, usable));
  }
}

int choose_weight_sets(const BenchRequest& request, std::uint64_t available,
                       std::uint64_t cache_bytes) {
  if (request.weight_sets) {
    return *request.weight_sets;
  }
  const LayerConfig& config = request.shape.config;
  const std::int64_t tokens = *std::min_element(request.tokens.begin(), request.tokens.end());
  const std::int64_t active = std::min(tokens * config.top_k, config.num_experts);
  const double per_call = least_bytes(config, request.shape, tokens, active);
  const double wanted = std::ceil(4.0 * static_cast<double>(cache_bytes) / per_call);
  const MemoryNeed need = memory_need(request);
  const double fitting =
      available == 0 ? 1.0
                     : (kUsableShare * static_cast<double>(available) - need.other) / need.weights;
  const double most = std::clamp(fitting, 1.0, static_cast<double>(kMaxWeightSets));
  return static_cast<int>(std::clamp(wanted, 1.0, most));
}

void progress(const std::string& line) {
  const std::string text = "bench: " + one_line(line) + "\n";
  std::fputs(text.c_str(), stderr);
}

}  // namespace switchyard::tools
