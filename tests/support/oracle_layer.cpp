// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <limits>

#include "support/oracle.hpp"

namespace switchyard::test::oracle {
namespace {

using Row = std::vector<Bounded>;

/// sum of matrix[i] * x[i] in f32, in any order: (n + 1) * u * sum of |matrix[i]| * |x[i]|.
Bounded dot(const double* matrix, std::span<const Bounded> x) {
  Bounded total;
  double magnitude = 0.0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    total.value += matrix[i] * x[i].value;
    total.bound += std::abs(matrix[i]) * x[i].bound;
    magnitude += std::abs(matrix[i]) * x[i].magnitude();
  }
  const double operations = static_cast<double>(x.size()) + 1.0;
  total.bound += operations * (kF32Roundoff * 1.001 * magnitude + kF32Tiny);
  return total;
}

/// f(x) in f32: slopes up to `slope`, evaluated to `error`.
Bounded unary(double value, Bounded x, double slope, double error) {
  return {value, slope * x.bound + error + kF32Tiny * (1.0 + x.magnitude())};
}

double swish_of(double x, double alpha) {
  return x / (1.0 + std::exp(-alpha * x));
}

/// x * sigmoid(alpha * x). Its slope is at most 1.1 for every alpha; 12 roundings, and one of the
/// argument of exp. Where alpha * x < -1.3 it falls from 0 as x grows: however far x may be off,
/// the result lies between 0 and that of the upper end.
Bounded swish(Bounded x, double alpha) {
  const double value = swish_of(x.value, alpha);
  const double roundings = 12.0 + std::abs(alpha) * x.magnitude();
  const double upper = x.value + x.bound;
  double off = 1.1 * x.bound;
  if (alpha > 0.0 && alpha * upper < -1.3) off = std::min(off, std::abs(swish_of(upper, alpha)));
  return {value, off + roundings * kF32Roundoff * (std::abs(value) + off) +
                     kF32Tiny * (1.0 + x.magnitude())};
}

/// 0.5 * x * (1 + f(x)), where 1 + f cancels: 8 roundings of |x|. Slope at most 1.13.
Bounded gelu(Bounded x, bool tanh_form) {
  const double v = x.value;
  const double cubic = std::sqrt(2.0 / std::acos(-1.0)) * (v + 0.044715 * v * v * v);
  const double f = tanh_form ? std::tanh(cubic) : std::erf(v / std::sqrt(2.0));
  return unary(0.5 * v * (1.0 + f), x, 1.14, 8.0 * kF32Roundoff * x.magnitude());
}

/// Clamping is monotone and exact: the result lies between those of the ends of x's interval.
Bounded clamp(Bounded x, double low, double high) {
  const double value = std::clamp(x.value, low, high);
  const double below = value - std::clamp(x.value - x.bound, low, high);
  const double above = std::clamp(x.value + x.bound, low, high) - value;
  return {value, std::max(below, above)};
}

Bounded activate(const ActivationConfig& activation, Bounded gate, Bounded up) {
  const auto limit = static_cast<double>(activation.limit);
  switch (activation.kind) {
    case ActivationKind::swiglu:
      return swish(gate, 1.0) * up;
    case ActivationKind::geglu_tanh:
    case ActivationKind::geglu_erf:
      return gelu(gate, activation.kind == ActivationKind::geglu_tanh) * up;
    case ActivationKind::relu2:
      return clamp(up, 0.0, 1e300) * clamp(up, 0.0, 1e300);
    default:
      return swish(clamp(gate, -1e300, limit), static_cast<double>(activation.alpha)) *
             (clamp(up, -limit, limit) + Bounded{1.0, 0.0});
  }
}

/// Whether f32 holds what a computation has on the way. No bound is left of what follows else.
bool fits(Bounded x) {
  return x.magnitude() <= static_cast<double>(std::numeric_limits<float>::max());
}

/// One expert, routed or shared. Biases may be null.
struct Expert {
  const double* gate_up;
  const double* gate_up_bias;
  const double* down;
  const double* down_bias;
  std::size_t intermediate_size;
};

/// Clears `fit` where a value on the way does not fit.
Row run(const LayerConfig& config, const Expert& expert, std::span<const Bounded> x, bool& fit) {
  const std::size_t width = expert.intermediate_size;
  const auto product = [&](std::size_t row) {
    Bounded value = dot(expert.gate_up + row * x.size(), x);
    if (expert.gate_up_bias != nullptr) value = value + Bounded{expert.gate_up_bias[row], 0.0};
    const bool rounds = config.activation.input_rounding == Rounding::activation;
    return rounds ? stored(value, config.activation_dtype) : value;
  };
  Row activated;
  const bool gated = config.activation.rows_per_feature() == 2;
  for (std::size_t i = 0; i < width; ++i) {
    const Bounded gate = gated ? product(i) : Bounded{};
    const Bounded up = product(gated ? width + i : i);
    activated.push_back(stored(activate(config.activation, gate, up), config.activation_dtype));
    fit = fit && fits(gate) && fits(up) && fits(activated.back());
  }
  Row output;
  for (std::size_t h = 0; h < x.size(); ++h) {
    Bounded value = dot(expert.down + h * width, activated);
    if (expert.down_bias != nullptr) value = value + Bounded{expert.down_bias[h], 0.0};
    output.push_back(stored(value, config.activation_dtype));
    fit = fit && fits(output.back());
  }
  return output;
}

/// a + weight * b, for rows.
void add(Row& a, Bounded weight, const Row& b) {
  for (std::size_t h = 0; h < a.size(); ++h) a[h] = a[h] + weight * b[h];
}

const double* row_of(const std::vector<double>& matrix, std::size_t row, std::size_t width) {
  return matrix.empty() ? nullptr : matrix.data() + row * width;
}

}  // namespace

Result forward(const LayerConfig& config, const Weights& weights, const Call& call) {
  const auto hidden = static_cast<std::size_t>(config.hidden_size);
  const auto width = static_cast<std::size_t>(config.intermediate_size);
  const auto experts = static_cast<std::size_t>(config.num_experts);
  const auto top_k = static_cast<std::size_t>(config.top_k);
  const auto products = width * static_cast<std::size_t>(config.activation.rows_per_feature());
  Result result;
  for (std::size_t t = 0; t < call.num_tokens; ++t) {
    RoutedToken routed{std::vector<std::int32_t>(top_k, -1), Row(top_k), false};
    Row x;
    for (std::size_t h = 0; h < hidden; ++h) x.push_back({call.hidden_states[t * hidden + h], 0.0});
    Row total(hidden);
    bool fit = true;
    if (t < call.live_tokens) {
      if (!call.selected_ids.empty()) {
        for (std::size_t k = 0; k < top_k; ++k) {
          routed.ids[k] = call.selected_ids[t * top_k + k];
          routed.weights[k] = {call.pair_weights[t * top_k + k], 0.0};
        }
      } else {
        Row logits;
        for (std::size_t e = 0; e < experts; ++e) {
          Bounded logit;
          if (!call.router_logits.empty()) {
            logit = {call.router_logits[t * experts + e], 0.0};
          } else {
            logit = dot(row_of(weights.router, e, hidden), x);
            if (!weights.router_bias.empty()) logit = logit + Bounded{weights.router_bias[e], 0.0};
            if (config.router.logits_rounding == Rounding::activation) {
              logit = stored(logit, config.activation_dtype);
            }
          }
          logits.push_back(logit);
        }
        routed =
            route(config.router, config.activation_dtype, logits, weights.correction_bias, top_k);
      }
      for (std::size_t k = 0; k < top_k; ++k) {
        const std::int32_t id = routed.ids[k];
        if (id < 0 || static_cast<std::size_t>(id) >= experts) continue;
        const auto global = static_cast<std::size_t>(id);
        const auto local = weights.expert_map.empty() ? id : weights.expert_map[global];
        if (local < 0) continue;
        const auto e = static_cast<std::size_t>(local);
        Row input = x;
        const bool on_input = config.router.weight_site == WeightSite::expert_input;
        if (on_input) {
          for (Bounded& element : input) element = routed.weights[k] * element;
          fit = fit && std::all_of(input.begin(), input.end(), fits);
        }
        const Expert expert{row_of(weights.gate_up, e, products * hidden),
                            row_of(weights.gate_up_bias, e, products),
                            row_of(weights.down, e, hidden * width),
                            row_of(weights.down_bias, e, hidden), width};
        add(total, on_input ? Bounded{1.0, 0.0} : routed.weights[k],
            run(config, expert, input, fit));
      }
      if (config.shared_expert.intermediate_size > 0) {
        const Expert shared{weights.shared_gate_up.data(), nullptr, weights.shared_down.data(),
                            nullptr,
                            static_cast<std::size_t>(config.shared_expert.intermediate_size)};
        const Bounded scale = config.shared_expert.gated
                                  ? sigmoid(dot(weights.shared_gate.data(), x))
                                  : Bounded{1.0, 0.0};
        add(total, scale, run(config, shared, x, fit));
      }
      for (std::size_t h = 0; h < hidden; ++h) {
        if (!call.residual.empty())
          total[h] = total[h] + Bounded{call.residual[t * hidden + h], 0.0};
        total[h] = stored(total[h], config.activation_dtype);
        fit = fit && fits(total[h]);
      }
    }
    result.ambiguous |= routed.ambiguous || !fit;
    result.selected_ids.insert(result.selected_ids.end(), routed.ids.begin(), routed.ids.end());
    result.pair_weights.insert(result.pair_weights.end(), routed.weights.begin(),
                               routed.weights.end());
    result.output.insert(result.output.end(), total.begin(), total.end());
  }
  return result;
}

}  // namespace switchyard::test::oracle
