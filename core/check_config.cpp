// SPDX-License-Identifier: Apache-2.0
// Checks of what describes a layer: config and options.
#include <cmath>
#include <cstdlib>
#include <string_view>

#include "core/checks.hpp"
#include "core/throw.hpp"
#include "switchyard/limits.hpp"

namespace switchyard {
namespace {

using core::require;
using core::require_range;

template <class Enum>
void require_enumerator(std::string_view field, Enum value, Enum last) {
  require(value <= last, "{} is {}, must be an enumerator in [0, {}]", field,
          static_cast<int>(value), static_cast<int>(last));
}

void validate_router(const RouterConfig& router, std::int64_t num_experts, std::int64_t top_k) {
  require_enumerator("router.score", router.score, ScoreFunction::identity);
  require_enumerator("router.group_score", router.group_score, GroupScore::best);
  require_enumerator("router.group_fill", router.group_fill, GroupFill::zero);
  require_enumerator("router.weights_from", router.weights_from,
                     WeightsFrom::softmax_over_selected);
  require_enumerator("router.renormalize", router.renormalize, Renormalize::divide_by_clamped_sum);
  require_enumerator("router.weight_site", router.weight_site, WeightSite::expert_input);
  require_enumerator("router.logits_rounding", router.logits_rounding, Rounding::activation);
  require_enumerator("router.weights_rounding", router.weights_rounding, Rounding::activation);
  require_range("router.num_groups", router.num_groups, 1, limits::kMaxExpertGroups,
                "kMaxExpertGroups");
  require(num_experts % router.num_groups == 0,
          "router.num_groups is {}, must divide num_experts = {}", router.num_groups, num_experts);
  require_range("router.kept_groups", router.kept_groups, 1, router.num_groups,
                "router.num_groups");
  const std::int64_t eligible = router.kept_groups * (num_experts / router.num_groups);
  require(eligible >= top_k,
          "router.kept_groups is {}, must keep at least top_k = {} experts (it keeps {})",
          router.kept_groups, top_k, eligible);
  require(std::isfinite(router.epsilon) && router.epsilon >= 0.0F,
          "router.epsilon is {}, must be finite and at least 0", router.epsilon);
  require(std::isfinite(router.scaling_factor), "router.scaling_factor is {}, must be finite",
          router.scaling_factor);
}

void validate_activation(const ActivationConfig& activation) {
  require_enumerator("activation.kind", activation.kind, ActivationKind::swiglu_clamped);
  require_enumerator("activation.input_rounding", activation.input_rounding, Rounding::activation);
  if (activation.kind != ActivationKind::swiglu_clamped) return;
  require(std::isfinite(activation.alpha), "activation.alpha is {}, must be finite",
          activation.alpha);
  require(std::isfinite(activation.limit) && activation.limit > 0.0F,
          "activation.limit is {}, must be finite and greater than 0", activation.limit);
}

}  // namespace

void validate(const LayerConfig& config) {
  require_range("hidden_size", config.hidden_size, 1, limits::kMaxHiddenSize, "kMaxHiddenSize");
  require_range("intermediate_size", config.intermediate_size, 1, limits::kMaxIntermediateSize,
                "kMaxIntermediateSize");
  require_range("num_experts", config.num_experts, 1, limits::kMaxExperts, "kMaxExperts");
  require_range("num_local_experts", config.num_local_experts, 0, config.num_experts,
                "num_experts");
  if (config.num_experts <= limits::kMaxTopK) {
    require_range("top_k", config.top_k, 1, config.num_experts, "num_experts");
  } else {
    require_range("top_k", config.top_k, 1, limits::kMaxTopK, "kMaxTopK");
  }
  require_enumerator("activation_dtype", config.activation_dtype, DType::f16);
  require_enumerator("weight_dtype", config.weight_dtype, DType::f16);
  validate_router(config.router, config.num_experts, config.top_k);
  validate_activation(config.activation);
  require_range("shared_expert.intermediate_size", config.shared_expert.intermediate_size, 0,
                limits::kMaxIntermediateSize, "kMaxIntermediateSize");
  require(!config.shared_expert.gated || config.shared_expert.intermediate_size > 0,
          "shared_expert.intermediate_size is 0, must be at least 1 where shared_expert.gated");
}

namespace core {

void check_max_tokens(std::int64_t max_tokens) {
  require_range("max_tokens", max_tokens, 0, limits::kMaxTokens, "kMaxTokens");
}

void check_block_size(std::string_view name, std::int32_t block_size) {
  for (const std::int32_t bs : kBlockSizes)
    if (block_size == bs) return;
  fail(ErrorCode::invalid_argument, "{} is {}, must be 16, 32 or 64", name, block_size);
}

void check_options(const LayerOptions& options) {
  if (options.route_path)
    require_enumerator("options.route_path", *options.route_path, RoutePath::host);
  if (options.forward_path)
    require_enumerator("options.forward_path", *options.forward_path, ForwardPath::coupled_layer);
  if (options.block_size) check_block_size("options.block_size", *options.block_size);
  require_enumerator("options.weight_storage", options.weight_storage, WeightStorage::borrowed);
}

void check_graph_cache_options(const GraphCacheOptions& options) {
  require(options.max_graphs >= 1, "options.max_graphs is 0, must be at least 1");
  require(options.warm_up_calls >= 0, "options.warm_up_calls is {}, must be at least 0",
          options.warm_up_calls);
  require(options.retry_calls >= 1, "options.retry_calls is {}, must be at least 1",
          options.retry_calls);
}

std::optional<RoutePath> route_path_of_environment() {
  const char* const raw = std::getenv("SWITCHYARD_DEVICE_ROUTE");
  const std::string_view text = raw == nullptr ? "" : raw;
  if (text.empty()) return std::nullopt;
  require(text == "0" || text == "1",
          "environment variable SWITCHYARD_DEVICE_ROUTE is '{}', must be 0 or 1", text);
  return text == "1" ? RoutePath::device : RoutePath::host;
}

}  // namespace core
}  // namespace switchyard
