// SPDX-License-Identifier: Apache-2.0
#include "oracle.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <limits>
#include <numbers>
#include <numeric>

#include "elements.hpp"
#include "switchyard/half.hpp"

namespace switchyard::tools {
namespace {

using Row = std::vector<double>;

std::size_t extent(std::int64_t value) {
  return static_cast<std::size_t>(value);
}

Row scores(const RouterConfig& router, std::span<const float> logits) {
  Row score(logits.begin(), logits.end());
  if (router.score == ScoreFunction::softmax) {
    const double top = *std::max_element(score.begin(), score.end());
    double sum = 0.0;
    for (double& s : score) {
      s = std::exp(s - top);
      sum += s;
    }
    for (double& s : score) {
      s /= sum;
    }
  } else if (router.score == ScoreFunction::sigmoid) {
    for (double& s : score) {
      s = 1.0 / (1.0 + std::exp(-s));
    }
  }
  return score;
}

// Indices of `keys` from the largest key on; equal keys by index.
std::vector<std::size_t> ranking(const Row& keys) {
  std::vector<std::size_t> order(keys.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return keys[a] > keys[b]; });
  return order;
}

// Gap between place `count - 1` and place `count`.
double gap(const Row& keys, const std::vector<std::size_t>& order, std::size_t count) {
  return count < order.size() ? keys[order[count - 1]] - keys[order[count]]
                              : std::numeric_limits<double>::infinity();
}

// Fills the groups that are not kept; returns the margin of the choice.
double drop_groups(const RouterConfig& router, Row& selection) {
  const std::size_t groups = extent(router.num_groups);
  const std::size_t members = selection.size() / groups;
  Row group_score(groups);
  for (std::size_t g = 0; g < groups; ++g) {
    Row group(selection.begin() + static_cast<std::ptrdiff_t>(g * members),
              selection.begin() + static_cast<std::ptrdiff_t>((g + 1) * members));
    std::sort(group.rbegin(), group.rend());
    const bool two = router.group_score == GroupScore::sum_of_two_best && members > 1;
    group_score[g] = group[0] + (two ? group[1] : 0.0);
  }
  const auto order = ranking(group_score);
  const double fill =
      router.group_fill == GroupFill::zero ? 0.0 : -std::numeric_limits<double>::infinity();
  for (std::size_t place = extent(router.kept_groups); place < groups; ++place) {
    for (std::size_t m = 0; m < members; ++m) {
      selection[order[place] * members + m] = fill;
    }
  }
  return gap(group_score, order, extent(router.kept_groups));
}

template <class T>
double dot_as(const std::byte* row, const Row& x) {
  double sum = 0.0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    T weight;
    std::memcpy(&weight, row + i * sizeof(T), sizeof(T));
    sum += static_cast<double>(static_cast<float>(weight)) * x[i];
  }
  return sum;
}

// Row `row` of a tensor whose rows are as long as x, times x.
double dot(const HostTensor& tensor, std::size_t row, const Row& x) {
  const std::byte* from = tensor.bytes.data() + row * x.size() * size_of(tensor.dtype);
  switch (tensor.dtype) {
    case DType::bf16:
      return dot_as<bf16>(from, x);
    case DType::f16:
      return dot_as<f16>(from, x);
    case DType::f32:
      break;
  }
  return dot_as<float>(from, x);
}

double bias(const HostTensor& tensor, std::size_t index) {
  return tensor.present() ? static_cast<double>(load_element(tensor.bytes, tensor.dtype, index))
                          : 0.0;
}

double activate(const ActivationConfig& activation, double g, double u) {
  constexpr double kSqrt2OverPi = std::numbers::sqrt2 * std::numbers::inv_sqrtpi;
  switch (activation.kind) {
    case ActivationKind::swiglu:
      return g / (1.0 + std::exp(-g)) * u;
    case ActivationKind::geglu_tanh:
      return 0.5 * g * (1.0 + std::tanh(kSqrt2OverPi * (g + 0.044715 * g * g * g))) * u;
    case ActivationKind::geglu_erf:
      return 0.5 * g * (1.0 + std::erf(g / std::numbers::sqrt2)) * u;
    case ActivationKind::relu2:
      return u > 0.0 ? u * u : 0.0;
    case ActivationKind::swiglu_clamped:
      break;
  }
  const double limit = activation.limit;
  const double clamped = std::min(g, limit);
  return clamped / (1.0 + std::exp(-static_cast<double>(activation.alpha) * clamped)) *
         (std::clamp(u, -limit, limit) + 1.0);
}

// Matrices of expert `e` in stacked tensors, over x.
struct ExpertTensors {
  const HostTensor& gate_up;
  const HostTensor& down;
  const HostTensor& gate_up_bias;
  const HostTensor& down_bias;
};

Row run_expert(const ActivationConfig& activation, const ExpertTensors& tensors, std::size_t e,
               std::size_t inner, const Row& x) {
  const bool gated = activation.rows_per_feature() == 2;
  const std::size_t first = e * (gated ? 2 * inner : inner);
  const std::size_t up = first + (gated ? inner : 0);
  Row activated(inner);
  for (std::size_t i = 0; i < inner; ++i) {
    const double u = dot(tensors.gate_up, up + i, x) + bias(tensors.gate_up_bias, up + i);
    const double g =
        gated ? dot(tensors.gate_up, first + i, x) + bias(tensors.gate_up_bias, first + i) : 0.0;
    activated[i] = activate(activation, g, u);
  }
  Row out(x.size());
  for (std::size_t h = 0; h < out.size(); ++h) {
    out[h] = dot(tensors.down, e * out.size() + h, activated) +
             bias(tensors.down_bias, e * out.size() + h);
  }
  return out;
}

}  // namespace

OracleRoute oracle_route(const LayerConfig& config, std::span<const float> logits,
                         std::span<const float> correction_bias) {
  const RouterConfig& router = config.router;
  const Row score = scores(router, logits);
  Row selection = score;
  for (std::size_t e = 0; e < correction_bias.size(); ++e) {
    selection[e] += correction_bias[e];
  }
  OracleRoute route;
  route.margin = std::numeric_limits<double>::infinity();
  if (router.num_groups > 1) {
    route.margin = drop_groups(router, selection);
  }
  const std::size_t k = extent(config.top_k);
  const auto order = ranking(selection);
  route.margin = std::min(route.margin, gap(selection, order, k));

  double sum = 0.0;
  for (std::size_t i = 0; i < k; ++i) {
    route.ids.push_back(static_cast<std::int32_t>(order[i]));
    const double weight = router.weights_from == WeightsFrom::softmax_over_selected
                              ? std::exp(static_cast<double>(logits[order[i]]) -
                                         static_cast<double>(logits[order[0]]))
                              : score[order[i]];
    route.weights.push_back(weight);
    sum += weight;
  }
  double divisor = 1.0;
  if (router.weights_from == WeightsFrom::softmax_over_selected) {
    divisor = sum;
  } else if (router.renormalize == Renormalize::divide_by_sum) {
    divisor = sum + router.epsilon;
  } else if (router.renormalize == Renormalize::divide_by_clamped_sum) {
    divisor = std::max(sum, static_cast<double>(router.epsilon));
  }
  for (double& weight : route.weights) {
    weight = weight / divisor * static_cast<double>(router.scaling_factor);
  }
  return route;
}

std::vector<double> oracle_output(const LayerConfig& config, const HostMoeWeights& weights,
                                  std::span<const float> hidden_states, const OracleRoute& route) {
  const Row x(hidden_states.begin(), hidden_states.end());
  const bool on_input = config.router.weight_site == WeightSite::expert_input;
  Row output(x.size(), 0.0);
  const auto add = [&](const Row& row, double factor) {
    for (std::size_t h = 0; h < output.size(); ++h) {
      output[h] += factor * row[h];
    }
  };
  const ExpertTensors routed{weights.gate_up, weights.down, weights.gate_up_bias,
                             weights.down_bias};
  for (std::size_t i = 0; i < route.ids.size(); ++i) {
    Row input = x;
    for (double& value : input) {
      value *= on_input ? route.weights[i] : 1.0;
    }
    add(run_expert(config.activation, routed, extent(route.ids[i]),
                   extent(config.intermediate_size), input),
        on_input ? 1.0 : route.weights[i]);
  }
  if (config.shared_expert.intermediate_size > 0) {
    const HostTensor none;
    const ExpertTensors shared{weights.shared_gate_up, weights.shared_down, none, none};
    const double gate =
        config.shared_expert.gated ? 1.0 / (1.0 + std::exp(-dot(weights.shared_gate, 0, x))) : 1.0;
    add(run_expert(config.activation, shared, 0, extent(config.shared_expert.intermediate_size), x),
        gate);
  }
  return output;
}

}  // namespace switchyard::tools
