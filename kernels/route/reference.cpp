// SPDX-License-Identifier: Apache-2.0
#include "kernels/route/reference.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <functional>
#include <span>

#include "kernels/elements.hpp"
#include "kernels/math.hpp"
#include "switchyard/limits.hpp"

namespace switchyard::kernels::reference {
namespace {

constexpr auto kMaxExperts = static_cast<std::size_t>(limits::kMaxExperts);
constexpr auto kMaxGroups = static_cast<std::size_t>(limits::kMaxExpertGroups);
constexpr auto kMaxTopK = static_cast<std::size_t>(limits::kMaxTopK);

/// One token's row on its way through the recipe.
struct Row {
  std::array<float, kMaxExperts> logits;
  std::array<float, kMaxExperts> scores;
  std::array<std::uint64_t, kMaxExperts> ranks;
};

/// exp(l - max) for the logits that `logit_at` gives, over their sum; all 0 where no logit is
/// finite.
template <class LogitAt>
void softmax(std::int32_t count, LogitAt logit_at, float* out) {
  float best = -kInfinity;
  for (std::int32_t i = 0; i < count; ++i) best = std::max(best, score_input(logit_at(i)));
  for (std::int32_t i = 0; i < count; ++i)
    out[i] = best == -kInfinity ? 0.0F : exp_nonpositive(score_input(logit_at(i)) - best);
  const float sum = strided_sum(count, [out](std::int32_t i) { return out[i]; });
  for (std::int32_t i = 0; i < count; ++i) out[i] = sum > 0.0F ? out[i] / sum : 0.0F;
}

void score(const RouteParams& params, Row& row) {
  const std::int32_t experts = params.num_experts;
  const auto logit_at = [&row](std::int32_t e) { return row.logits[static_cast<std::size_t>(e)]; };
  if (params.score == ScoreFunction::softmax) {
    softmax(experts, logit_at, row.scores.data());
    return;
  }
  for (std::int32_t e = 0; e < experts; ++e) {
    const float logit = score_input(logit_at(e));
    row.scores[static_cast<std::size_t>(e)] =
        params.score == ScoreFunction::sigmoid ? sigmoid(logit) : logit;
  }
}

[[nodiscard]] bool selects_by_logit(const RouteParams& params) {
  return params.correction_bias == nullptr && params.num_groups == 1;
}

/// What an expert is ranked by. A NaN logit stays NaN: the lowest rank.
[[nodiscard]] float selection(const RouteParams& params, const Row& row, std::int32_t e) {
  const auto i = static_cast<std::size_t>(e);
  if (selects_by_logit(params) || is_nan(row.logits[i])) return row.logits[i];
  return params.correction_bias == nullptr ? row.scores[i]
                                           : row.scores[i] + params.correction_bias[e];
}

/// Selection of a whole group, from the ranks of its members.
[[nodiscard]] float group_selection(const RouteParams& params, const Row& row,
                                    std::span<const std::uint64_t> members) {
  std::uint64_t best = 0;
  std::uint64_t second = 0;
  for (const std::uint64_t rank : members) {
    second = std::max(second, std::min(best, rank));
    best = std::max(best, rank);
  }
  const auto value = [&](std::uint64_t rank) {
    return selection(params, row, static_cast<std::int32_t>(id_of_rank_key(rank)));
  };
  const bool alone = params.group_score == GroupScore::best || members.size() == 1;
  return alone ? value(best) : value(best) + value(second);
}

/// Replaces the ranks of the experts whose group is not kept.
void drop_groups(const RouteParams& params, Row& row) {
  const auto groups = static_cast<std::size_t>(params.num_groups);
  const auto width = static_cast<std::size_t>(params.num_experts) / groups;
  std::array<std::uint64_t, kMaxGroups> order;
  for (std::size_t g = 0; g < groups; ++g)
    order[g] =
        rank_key(group_selection(params, row, std::span(row.ranks).subspan(g * width, width)),
                 static_cast<std::uint32_t>(g));
  std::sort(order.begin(), order.begin() + params.num_groups, std::greater<>{});
  const float fill = params.group_fill == GroupFill::zero ? 0.0F : -kInfinity;
  for (auto dropped = static_cast<std::size_t>(params.kept_groups); dropped < groups; ++dropped) {
    const std::size_t first = id_of_rank_key(order[dropped]) * width;
    for (std::size_t e = first; e < first + width; ++e)
      if (!is_nan(row.logits[e])) row.ranks[e] = rank_key(fill, static_cast<std::uint32_t>(e));
  }
}

/// Leaves the K best ranks in front, best first.
void select(const RouteParams& params, Row& row) {
  for (std::int32_t e = 0; e < params.num_experts; ++e)
    row.ranks[static_cast<std::size_t>(e)] =
        rank_key(selection(params, row, e), static_cast<std::uint32_t>(e));
  if (params.num_groups > 1) drop_groups(params, row);
  std::partial_sort(row.ranks.begin(), row.ranks.begin() + params.top_k,
                    row.ranks.begin() + params.num_experts, std::greater<>{});
}

void renormalize(const RouteParams& params, float* weights) {
  if (params.renormalize == Renormalize::none) return;
  const std::int32_t top_k = params.top_k;
  const float sum = strided_sum(top_k, [weights](std::int32_t k) { return weights[k]; });
  const float divisor = params.renormalize == Renormalize::divide_by_sum
                            ? sum + params.epsilon
                            : std::max(sum, params.epsilon);
  for (std::int32_t k = 0; k < top_k; ++k)
    weights[k] = divisor > 0.0F ? weights[k] / divisor : 1.0F / static_cast<float>(top_k);
}

void weigh(const RouteParams& params, const Row& row, float* weights) {
  const auto chosen = [&row](std::int32_t k) {
    return static_cast<std::size_t>(id_of_rank_key(row.ranks[static_cast<std::size_t>(k)]));
  };
  if (params.weights_from == WeightsFrom::softmax_over_selected) {
    softmax(
        params.top_k, [&](std::int32_t k) { return row.logits[chosen(k)]; }, weights);
  } else {
    for (std::int32_t k = 0; k < params.top_k; ++k) weights[k] = row.scores[chosen(k)];
  }
  renormalize(params, weights);
  const DType dtype = weights_dtype(params);
  for (std::int32_t k = 0; k < params.top_k; ++k) {
    weights[k] = finite_weight(round_to(dtype, weights[k] * params.scaling_factor), dtype);
  }
}

void route_token(const RouteParams& params, std::int64_t t) {
  Row row;
  const std::int64_t experts = params.num_experts;
  load_row(params.logits_dtype, params.router_logits, t * experts, experts, row.logits.data());
  score(params, row);
  select(params, row);
  std::array<float, kMaxTopK> weights;
  weigh(params, row, weights.data());
  for (std::int64_t k = 0; k < params.top_k; ++k) {
    const auto slot = static_cast<std::size_t>(k);
    params.selected_ids[t * params.top_k + k] =
        ExpertId{static_cast<std::int32_t>(id_of_rank_key(row.ranks[slot]))};
    params.pair_weights[t * params.top_k + k] = weights[slot];
  }
}

}  // namespace

std::int64_t num_tasks(const RouteParams& params) noexcept {
  return params.num_tokens;
}

void run(const RouteParams& params, std::int64_t first, std::int64_t last) noexcept {
  const std::int64_t live = live_count(params.live_tokens, params.num_tokens);
  for (std::int64_t t = first; t < std::min(last, live); ++t) route_token(params, t);
}

}  // namespace switchyard::kernels::reference
