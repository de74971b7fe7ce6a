// SPDX-License-Identifier: Apache-2.0
#include "core/describe.hpp"

#include <fmt/format.h>

namespace switchyard::core {
namespace {

[[nodiscard]] std::string router_text(const RouterConfig& router, std::int64_t top_k) {
  std::string text = fmt::format("{} top-{}", name(router.score), top_k);
  if (router.num_groups > 1)
    text += fmt::format(" in {} of {} groups", router.kept_groups, router.num_groups);
  if (router.weights_from == WeightsFrom::softmax_over_selected) text += ", softmax over selected";
  if (router.renormalize != Renormalize::none) text += ", renormalised";
  if (router.scaling_factor != 1.0F) text += fmt::format(", scaled by {}", router.scaling_factor);
  if (router.weight_site == WeightSite::expert_input) text += ", on the expert's input";
  return text;
}

/// The launches of a device-path forward, in order.
[[nodiscard]] std::string launches_text(const LayerConfig& config, const CallDescription& call) {
  const bool whole = is_whole_layer(call.path);
  std::string text = call.computes_logits ? "gate, " : "";
  if (call.path == ForwardPath::staged) text += "route, plan, ";
  if (call.path == ForwardPath::route_plan) text += "route_plan, ";
  if (!whole) text += "gate_up, down, ";
  if (config.shared_expert.intermediate_size > 0) text += "gate_up, down, ";
  if (config.shared_expert.gated) text += "gate, ";
  return text + std::string(whole ? name(call.path) : "combine");
}

}  // namespace

std::string describe(const LayerConfig& config, const CallDescription& call) {
  const std::string shared =
      config.shared_expert.intermediate_size == 0
          ? ""
          : fmt::format(" + shared expert of {}", config.shared_expert.intermediate_size);
  return fmt::format(
      "T={} H={} I={} E={}{} K={}{}; {} activations, {} weights, {}; router: {}; path {}: {}; "
      "block size {}{}",
      call.num_tokens, config.hidden_size, config.intermediate_size, config.num_experts,
      config.local_experts() == config.num_experts
          ? ""
          : fmt::format(" ({} local)", config.local_experts()),
      config.top_k, shared, name(config.activation_dtype), name(config.weight_dtype),
      name(config.activation.kind), router_text(config.router, config.top_k), name(call.path),
      launches_text(config, call), call.block_size,
      call.products.empty() ? "" : "; products: " + call.products);
}

}  // namespace switchyard::core
