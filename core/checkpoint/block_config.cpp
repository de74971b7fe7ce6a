// SPDX-License-Identifier: Apache-2.0
#include "core/checkpoint/block_config.hpp"

#include <array>

#include "core/checkpoint/text.hpp"
#include "switchyard/limits.hpp"

namespace switchyard::checkpoint {
namespace {

constexpr std::int64_t kAnything = std::numeric_limits<std::int64_t>::max();

/// An extent in [1, limit]. Beyond the limit the model is well-formed but too large.
std::int64_t extent(const ConfigView& config, const IntKey& key, std::int64_t layer,
                    std::int64_t limit) {
  const std::int64_t value = config.integer(key, layer, 1, kAnything);
  if (value > limit) {
    fail(ErrorCode::unsupported_model, "{}: {} is {}, this library runs at most {}", config.what(),
         key.names[0], value, limit);
  }
  return value;
}

struct Activation {
  std::string_view hidden_act;
  ActivationKind kind;
};

constexpr std::array<Activation, 6> kActivations{{
    {"silu", ActivationKind::swiglu},
    {"swish", ActivationKind::swiglu},
    {"gelu", ActivationKind::geglu_erf},
    {"gelu_pytorch_tanh", ActivationKind::geglu_tanh},
    {"gelu_new", ActivationKind::geglu_tanh},
    {"relu2", ActivationKind::relu2},
}};

ActivationConfig read_activation(const ActivationSpec& spec, bool gated, const ConfigView& config) {
  const std::string name = config.text(spec.hidden_act);
  for (const Activation& known : kActivations) {
    if (known.hidden_act != name || (known.kind == ActivationKind::relu2) == gated) {
      continue;
    }
    ActivationConfig activation;
    activation.kind = known.kind == ActivationKind::swiglu ? spec.silu : known.kind;
    if (named(spec.alpha)) {
      activation.alpha = static_cast<float>(config.number(spec.alpha));
    }
    if (named(spec.limit)) {
      activation.limit = static_cast<float>(config.number(spec.limit));
    }
    return activation;
  }
  fail(ErrorCode::unsupported_model, "{}: {} is {}, which this library does not run {} a gate",
       config.what(), spec.hidden_act.names[0], in_quotes(name), gated ? "with" : "without");
}

/// Groups of a key that may be absent, null or 0, all of which mean one.
std::int64_t groups(const ConfigView& config, const IntKey& key, std::int64_t layer,
                    std::int64_t limit) {
  const std::int64_t value = config.integer({.names = key.names, .fallback = 0}, layer, 0, limit);
  return value == 0 ? std::max<std::int64_t>(key.fallback, 1) : value;
}

void read_groups(const RouterSpec& spec, const ConfigView& config, std::int64_t layer,
                 std::int64_t num_experts, RouterConfig& router) {
  if (!named(spec.num_groups) ||
      (named(spec.grouping) && config.text(spec.grouping) != "group_limited_greedy")) {
    return;
  }
  router.num_groups = groups(config, spec.num_groups, layer, num_experts);
  if (router.num_groups > limits::kMaxExpertGroups) {
    fail(ErrorCode::unsupported_model, "{}: {} is {}, this library runs at most {}", config.what(),
         spec.num_groups.names[0], router.num_groups, limits::kMaxExpertGroups);
  }
  if (num_experts % router.num_groups != 0) {
    malformed("{}: {} is {}, must divide the {} experts", config.what(), spec.num_groups.names[0],
              router.num_groups, num_experts);
  }
  router.kept_groups = groups(config, spec.kept_groups, layer, router.num_groups);
}

RouterConfig read_router(const RouterSpec& spec, const ConfigView& config, std::int64_t layer,
                         std::int64_t num_experts) {
  RouterConfig router = spec.base;
  if (named(spec.norm_topk_prob) && !config.flag(spec.norm_topk_prob)) {
    router.renormalize = Renormalize::none;
  }
  if (named(spec.scaling_factor)) {
    router.scaling_factor = static_cast<float>(config.number(spec.scaling_factor));
  }
  if (named(spec.epsilon)) {
    router.epsilon = static_cast<float>(config.number(spec.epsilon));
  }
  read_groups(spec, config, layer, num_experts, router);
  return router;
}

SharedExpertConfig read_shared(const SharedSpec& spec, const ConfigView& config,
                               std::int64_t layer) {
  SharedExpertConfig shared;
  if (!named(spec.size)) {
    return shared;
  }
  const std::int64_t count = named(spec.count) ? config.integer(spec.count, layer, 0, 1024) : 1;
  const std::int64_t size =
      count == 0 ? 0 : config.integer(spec.size, layer, 0, limits::kMaxIntermediateSize);
  shared.intermediate_size = count * size;
  shared.gated = spec.gated && shared.intermediate_size != 0;
  return shared;
}

void check_requirements(const Family& family, const ConfigView& config) {
  for (const Requirement& requirement : family.requirements) {
    const KeyNames names{requirement.key};
    if (requirement.key.empty() || !config.has(names)) {
      continue;
    }
    const std::string value = config.shown(names);
    const bool off = value == "false" || value == "0" || value == "0.0";
    if (requirement.value == "false" ? !off : value != requirement.value) {
      fail(ErrorCode::unsupported_model, "{}: {} is {}, this library runs {} only with {}",
           config.what(), requirement.key, in_quotes(value), family.model_types[0],
           requirement.value);
    }
  }
}

}  // namespace

LayerConfig read_block_config(const Family& family, const ConfigView& config, std::int64_t layer) {
  check_requirements(family, config);
  if (config.has(family.num_experts.names) &&
      config.integer(family.num_experts, layer, std::numeric_limits<std::int64_t>::min(),
                     kAnything) == 0) {
    fail(ErrorCode::unsupported_model, "{}: the model has no experts", config.what());
  }
  LayerConfig block;
  block.hidden_size = extent(config, {.names = {"hidden_size"}}, layer, limits::kMaxHiddenSize);
  block.intermediate_size =
      extent(config, family.intermediate_size, layer, limits::kMaxIntermediateSize);
  block.num_experts = extent(config, family.num_experts, layer, limits::kMaxExperts);
  block.top_k = extent(config, family.top_k, layer, limits::kMaxTopK);
  if (block.top_k > block.num_experts) {
    malformed("{}: {} is {}, must be at most {} = {}", config.what(), family.top_k.names[0],
              block.top_k, family.num_experts.names[0], block.num_experts);
  }
  block.router = read_router(family.router, config, layer, block.num_experts);
  const bool gated = !family.names.front().experts[0].gate.empty() ||
                     !family.names.front().experts[0].gate_up.empty();
  block.activation = read_activation(family.activation, gated, config);
  block.shared_expert = read_shared(family.shared, config, layer);
  try {
    validate(block);
  } catch (const Error& error) {
    fail(ErrorCode::unsupported_model, "{}: {}", config.what(), error.what());
  }
  return block;
}

bool has_correction_bias(const Family& family, const ConfigView& config) {
  return !named(family.router.correction) || config.flag(family.router.correction);
}

}  // namespace switchyard::checkpoint
