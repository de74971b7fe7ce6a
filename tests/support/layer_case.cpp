// SPDX-License-Identifier: Apache-2.0
#include "support/layer_case.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <sstream>

#include "switchyard/limits.hpp"

namespace switchyard::test {
namespace {

std::vector<double> as_stored(const Tensor& tensor, DType dtype) {
  std::vector<double> values = tensor.values();
  for (double& value : values) value = round_to(value, dtype);
  return values;
}

DType any_dtype(Random& random) {
  return random.pick({DType::f32, DType::bf16, DType::f16});
}

}  // namespace

HostMoeWeights LayerCase::host() const {
  HostMoeWeights weights;
  weights.gate_up = gate_up.view();
  weights.down = down.view();
  weights.gate_up_bias = gate_up_bias.view();
  weights.down_bias = down_bias.view();
  weights.router = router.view();
  weights.router_bias = router_bias.view();
  weights.correction_bias = correction_bias.view();
  weights.shared_gate_up = shared_gate_up.view();
  weights.shared_down = shared_down.view();
  weights.shared_gate = shared_gate.view();
  weights.expert_map = expert_map;
  return weights;
}

oracle::Weights LayerCase::reference() const {
  const DType matrices = config.weight_dtype;
  return {as_stored(gate_up, matrices),
          as_stored(down, matrices),
          gate_up_bias.values(),
          down_bias.values(),
          router.values(),
          router_bias.values(),
          correction_bias.values(),
          as_stored(shared_gate_up, matrices),
          as_stored(shared_down, matrices),
          shared_gate.values(),
          expert_map};
}

oracle::Call CallCase::reference() const {
  oracle::Call call;
  call.num_tokens = static_cast<std::size_t>(num_tokens);
  const std::int64_t live = live_tokens ? *live_tokens : num_tokens;
  call.live_tokens = static_cast<std::size_t>(std::clamp<std::int64_t>(live, 0, num_tokens));
  call.hidden_states = hidden_states.values();
  call.router_logits = router_logits.values();
  call.selected_ids = selected_ids;
  call.pair_weights.assign(pair_weights.begin(), pair_weights.end());
  call.residual = residual.values();
  return call;
}

std::vector<double> normals(Random& random, std::int64_t count, double scale) {
  std::vector<double> values(static_cast<std::size_t>(count));
  for (double& value : values) value = scale * random.normal();
  return values;
}

RouterConfig random_router(Random& random, std::int64_t num_experts, std::int64_t top_k) {
  RouterConfig router;
  router.score =
      random.pick({ScoreFunction::softmax, ScoreFunction::sigmoid, ScoreFunction::identity});
  router.weights_from =
      random.chance(0.25) ? WeightsFrom::softmax_over_selected : WeightsFrom::scores;
  router.renormalize = random.pick(
      {Renormalize::none, Renormalize::divide_by_sum, Renormalize::divide_by_clamped_sum});
  router.epsilon = random.pick({0.0F, 1e-20F, 1e-8F, 0.01F, 2.0F});
  router.scaling_factor = random.pick({1.0F, 2.5F, 16.0F, 0.1F});
  router.weights_rounding = random.chance(0.2) ? Rounding::activation : Rounding::f32;
  router.group_score = random.pick({GroupScore::sum_of_two_best, GroupScore::best});
  router.group_fill = random.pick({GroupFill::minus_infinity, GroupFill::zero});
  if (random.chance(0.4)) {
    const std::int64_t groups = random.in(1, std::min<std::int64_t>(num_experts, 32));
    if (num_experts % groups == 0) {
      const std::int64_t size = num_experts / groups;
      const std::int64_t fewest = (top_k + size - 1) / size;
      router.num_groups = groups;
      router.kept_groups = random.in(fewest, groups);
    }
  }
  return router;
}

void fill_tensors(Random& random, LayerCase& layer, bool optional_tensors) {
  const LayerConfig& config = layer.config;
  const std::int64_t hidden = config.hidden_size;
  const std::int64_t local = config.local_experts();
  const std::int64_t products = config.activation.rows_per_feature() * config.intermediate_size;
  const auto wide = [](std::int64_t width) { return 1.0 / std::sqrt(static_cast<double>(width)); };
  const auto tensor = [&](std::int64_t a, std::int64_t b, std::int64_t c, double scale) {
    return Tensor(normals(random, a * b * c, scale), any_dtype(random), {a, b, c});
  };
  layer.gate_up = tensor(local, products, hidden, 1.5 * wide(hidden));
  layer.down = tensor(local, hidden, config.intermediate_size, wide(config.intermediate_size));
  layer.router = tensor(1, config.num_experts, hidden, 1.5 * wide(hidden));
  const std::int64_t shared = config.shared_expert.intermediate_size;
  if (shared > 0) {
    layer.shared_gate_up =
        tensor(1, config.activation.rows_per_feature() * shared, hidden, 1.5 * wide(hidden));
    layer.shared_down = tensor(1, hidden, shared, wide(shared));
    if (config.shared_expert.gated) layer.shared_gate = tensor(1, 1, hidden, wide(hidden));
  }
  if (!optional_tensors) return;
  if (random.chance(0.4)) layer.gate_up_bias = tensor(1, local, products, 0.5);
  if (random.chance(0.4)) layer.down_bias = tensor(1, local, hidden, 0.5);
  if (random.chance(0.4)) layer.router_bias = tensor(1, 1, config.num_experts, 0.3);
  if (random.chance(0.3)) layer.correction_bias = tensor(1, 1, config.num_experts, 0.2);
}

LayerCase random_layer(Random& random, const LayerBounds& bounds) {
  LayerCase layer;
  LayerConfig& config = layer.config;
  config.hidden_size = random.in(1, bounds.hidden_size);
  config.intermediate_size = random.in(1, bounds.intermediate_size);
  config.num_experts = random.in(1, bounds.num_experts);
  config.top_k = random.in(1, std::min<std::int64_t>(config.num_experts, 8));
  if (random.chance(0.05)) config.top_k = std::min(config.num_experts, limits::kMaxTopK);
  config.activation_dtype = any_dtype(random);
  config.weight_dtype = any_dtype(random);
  config.router = random_router(random, config.num_experts, config.top_k);
  config.router.weight_site = random.chance(0.2) ? WeightSite::expert_input : WeightSite::combine;
  config.router.logits_rounding = random.chance(0.2) ? Rounding::activation : Rounding::f32;
  config.activation.kind =
      random.pick({ActivationKind::swiglu, ActivationKind::geglu_tanh, ActivationKind::geglu_erf,
                   ActivationKind::relu2, ActivationKind::swiglu_clamped});
  if (random.chance(0.5)) config.activation.limit = 0.75F;
  config.activation.input_rounding = random.chance(0.2) ? Rounding::activation : Rounding::f32;
  if (random.chance(0.35)) {
    config.shared_expert.intermediate_size = random.in(1, bounds.intermediate_size);
    config.shared_expert.gated = random.chance(0.5);
  }
  if (bounds.expert_map && random.chance(0.25)) {
    config.num_local_experts = random.in(1, config.num_experts);
    layer.expert_map.assign(static_cast<std::size_t>(config.num_experts), -1);
    for (std::int64_t local = 0; local < config.num_local_experts; ++local) {
      layer.expert_map[static_cast<std::size_t>(local)] = static_cast<std::int32_t>(local);
    }
    random.shuffle(std::span(layer.expert_map));
  }
  if (bounds.for_tensor_cores) {
    for (std::int64_t* extent :
         {&config.hidden_size, &config.intermediate_size, &config.shared_expert.intermediate_size})
      *extent = (*extent + 7) / 8 * 8;
    config.activation_dtype = config.weight_dtype = random.pick({DType::bf16, DType::f16});
  }
  fill_tensors(random, layer, true);
  return layer;
}

CallCase random_call(Random& random, const LayerCase& layer, std::int64_t num_tokens,
                     Routing routing) {
  const LayerConfig& config = layer.config;
  CallCase call;
  call.num_tokens = num_tokens;
  const std::array<std::int64_t, 3> shape{1, num_tokens, config.hidden_size};
  const auto states = [&] {
    return Tensor(normals(random, num_tokens * config.hidden_size), config.activation_dtype, shape);
  };
  call.hidden_states = states();
  if (routing == Routing::logits) {
    call.router_logits = Tensor(normals(random, num_tokens * config.num_experts, 1.5),
                                any_dtype(random), {1, num_tokens, config.num_experts});
  }
  if (routing == Routing::preselected) {
    for (std::int64_t p = 0; p < num_tokens * config.top_k; ++p) {
      call.selected_ids.push_back(static_cast<std::int32_t>(
          random.in(random.chance(0.2) ? -3 : 0, config.num_experts - 1)));
      call.pair_weights.push_back(static_cast<float>(random.normal()));
    }
  }
  if (random.chance(0.3)) {
    call.live_tokens = static_cast<std::int32_t>(random.in(-1, num_tokens + 1));
  }
  if (random.chance(0.3)) {
    call.residual = states();
    call.residual_is_output = random.chance(0.5);
  }
  call.output_is_hidden_states = !call.residual_is_output && random.chance(0.2);
  return call;
}

std::string describe(const LayerConfig& config) {
  std::ostringstream text;
  const RouterConfig& router = config.router;
  text << "H " << config.hidden_size << " I " << config.intermediate_size << " E "
       << config.num_experts << " local " << config.local_experts() << " K " << config.top_k
       << " activations " << name(config.activation_dtype) << " weights "
       << name(config.weight_dtype) << " " << name(config.activation.kind) << " limit "
       << config.activation.limit << " input rounding "
       << static_cast<int>(config.activation.input_rounding) << " shared "
       << config.shared_expert.intermediate_size << (config.shared_expert.gated ? " gated" : "")
       << "; router " << name(router.score) << " group score "
       << static_cast<int>(router.group_score) << " fill " << static_cast<int>(router.group_fill)
       << " weights from " << static_cast<int>(router.weights_from) << " renormalize "
       << static_cast<int>(router.renormalize) << " site " << static_cast<int>(router.weight_site)
       << " logits rounding " << static_cast<int>(router.logits_rounding) << " weights rounding "
       << static_cast<int>(router.weights_rounding) << " groups " << router.kept_groups << "/"
       << router.num_groups << " epsilon " << router.epsilon << " scale " << router.scaling_factor;
  return text.str();
}

}  // namespace switchyard::test
