// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "support/oracle.hpp"

namespace switchyard::test::oracle {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// A sum of non-negative and negative terms in 64 strided partial sums joined by a tree: a term
/// passes through ceil(n / 64) + 6 additions.
Bounded sum(std::span<const Bounded> terms) {
  Bounded total;
  double magnitude = 0.0;
  for (const Bounded& term : terms) {
    total.value += term.value;
    total.bound += term.bound;
    magnitude += term.magnitude();
  }
  const double additions = std::ceil(static_cast<double>(terms.size()) / 64.0) + 6.0;
  total.bound += additions * (kF32Roundoff * 1.001 * magnitude + kF32Tiny);
  return total;
}

/// exp(l - max) / sum
std::vector<Bounded> softmax(std::span<const Bounded> logits) {
  double max = -kInfinity;
  double max_bound = 0.0;
  for (const Bounded& logit : logits) {
    max = std::max(max, logit.value);
    max_bound = std::max(max_bound, logit.bound);
  }
  std::vector<Bounded> terms;
  for (const Bounded& logit : logits) {
    const bool nothing = logit.value == -kInfinity;
    terms.push_back(nothing ? Bounded{} : exp(logit + Bounded{-max, max_bound}));
  }
  const Bounded total = sum(terms);
  for (Bounded& term : terms) term = rounded(term / total);  // also as a product with 1 / sum
  return terms;
}

/// Clamped to the finite numbers of `dtype`.
Bounded finite(Bounded weight, DType dtype) {
  const double largest = format_of(dtype).largest;
  const double low = std::clamp(weight.value - weight.bound, -largest, largest);
  const double high = std::clamp(weight.value + weight.bound, -largest, largest);
  return low < -0.99 * largest || high > 0.99 * largest
             ? Bounded{0.5 * low + 0.5 * high, 0.5 * high - 0.5 * low}
             : weight;
}

/// Something that is ranked: by value, ties to the lower index, a NaN last.
struct Candidate {
  Bounded key;
  bool nan = false;
  double logit = 0.0;  ///< With `bias` what the key was computed from.
  double bias = 0.0;
};

/// Indices from best to worst.
std::vector<std::size_t> rank(std::span<const Candidate> candidates) {
  std::vector<std::size_t> order(candidates.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    if (candidates[a].nan || candidates[b].nan) return !candidates[a].nan && candidates[b].nan;
    return candidates[a].key.value > candidates[b].key.value;
  });
  return order;
}

/// Whether f32 may rank a and b otherwise than their values say. Equal inputs give equal keys.
bool unclear(const Candidate& a, const Candidate& b) {
  const double bound = a.key.bound + b.key.bound;
  if (a.nan || b.nan || bound == 0.0) return false;
  const bool same_inputs = a.logit == b.logit && a.bias == b.bias && a.key.bound == b.key.bound;
  return !same_inputs && std::abs(a.key.value - b.key.value) <= bound;
}

/// a + b in f32; without error where the sum is a number of f32.
Bounded add(Bounded a, Bounded b) {
  const double value = a.value + b.value;
  const bool exact = a.bound == 0.0 && b.bound == 0.0 && round_to(value, DType::f32) == value;
  return exact ? Bounded{value, 0.0} : a + b;
}

/// A group as a candidate: its best, or the sum of its two best. Where f32 takes others for the
/// best, they are as close as the bounds of these.
Candidate group_of(std::span<const Candidate> members, GroupScore kind) {
  const auto order = rank(members);
  Candidate best = members[order[0]];
  best.key.bound *= 2.0;
  if (kind == GroupScore::best || members.size() == 1) return best;
  Candidate second = members[order[1]];
  second.key.bound *= 2.0;
  return {add(best.key, second.key), best.nan, best.logit + 4.0 * second.logit,
          best.bias + 4.0 * second.bias};
}

}  // namespace

RoutedToken route(const RouterConfig& router, DType activation_dtype,
                  std::span<const Bounded> logits, std::span<const double> correction_bias,
                  std::size_t top_k) {
  const std::size_t num_experts = logits.size();
  std::vector<Bounded> usable(logits.begin(), logits.end());  // NaN as -inf, +inf as the largest
  for (Bounded& logit : usable) {
    if (std::isnan(logit.value)) logit = {-kInfinity, 0.0};
    logit.value = std::min(logit.value, static_cast<double>(std::numeric_limits<float>::max()));
  }
  std::vector<Bounded> scores = usable;
  if (router.score == ScoreFunction::softmax) scores = softmax(usable);
  if (router.score == ScoreFunction::sigmoid) {
    std::transform(usable.begin(), usable.end(), scores.begin(),
                   [](Bounded logit) { return sigmoid(logit); });
  }

  std::vector<Candidate> candidates(num_experts);
  const bool by_logit = correction_bias.empty() && router.num_groups == 1;
  for (std::size_t e = 0; e < num_experts; ++e) {
    const double bias = correction_bias.empty() ? 0.0 : correction_bias[e];
    const Bounded biased = correction_bias.empty() ? scores[e] : add(scores[e], {bias, 0.0});
    candidates[e] = {by_logit ? logits[e] : biased, std::isnan(logits[e].value), logits[e].value,
                     bias};
  }

  RoutedToken result;
  if (router.num_groups > 1) {
    const std::size_t size = num_experts / static_cast<std::size_t>(router.num_groups);
    const auto kept = static_cast<std::size_t>(router.kept_groups);
    std::vector<Candidate> groups;
    for (std::size_t first = 0; first < num_experts; first += size) {
      groups.push_back(group_of(std::span(candidates).subspan(first, size), router.group_score));
    }
    const auto order = rank(groups);
    for (std::size_t g = kept; g < groups.size(); ++g) {
      result.ambiguous |= unclear(groups[order[kept - 1]], groups[order[g]]);
      const double fill = router.group_fill == GroupFill::zero ? 0.0 : -kInfinity;
      for (std::size_t e = order[g] * size; e < (order[g] + 1) * size; ++e) {
        candidates[e] = {{fill, 0.0}, candidates[e].nan, 0.0, 0.0};
      }
    }
  }

  const auto order = rank(candidates);
  for (std::size_t k = 0; k < top_k; ++k) {
    if (k + 1 < num_experts) {
      result.ambiguous |= unclear(candidates[order[k]], candidates[order[k + 1]]);
    }
    result.ids.push_back(static_cast<std::int32_t>(order[k]));
  }

  const bool of_selected = router.weights_from == WeightsFrom::softmax_over_selected;
  std::vector<Bounded> weights;
  for (std::size_t k = 0; k < top_k; ++k) {
    weights.push_back(of_selected ? usable[order[k]] : scores[order[k]]);
  }
  if (of_selected) weights = softmax(weights);
  if (router.renormalize != Renormalize::none) {
    const Bounded epsilon{static_cast<double>(router.epsilon), 0.0};
    Bounded denominator = sum(weights);
    if (router.renormalize == Renormalize::divide_by_sum) {
      denominator = denominator + epsilon;
    } else if (denominator.value < epsilon.value) {
      const bool clear = denominator.value + denominator.bound < epsilon.value;
      denominator = {epsilon.value, clear ? 0.0 : denominator.bound};
    }
    const bool positive = denominator.value > 0.0;
    // A sum that cancels has no digits left to test.
    result.ambiguous |=
        denominator.bound > 0.0 && std::abs(denominator.value) <= 100.0 * denominator.bound;
    for (Bounded& weight : weights) {
      weight = positive ? rounded(weight / denominator)
                        : rounded({1.0 / static_cast<double>(top_k), 0.0});
    }
  }
  for (Bounded& weight : weights) {
    weight = weight * Bounded{static_cast<double>(router.scaling_factor), 0.0};
    const bool narrow = router.weights_rounding == Rounding::activation;
    weight = finite(narrow ? stored(weight, activation_dtype) : weight,
                    narrow ? activation_dtype : DType::f32);
  }
  result.weights = std::move(weights);
  return result;
}

}  // namespace switchyard::test::oracle
