// SPDX-License-Identifier: Apache-2.0
// The SIMT body of stage "route": one wave per token. Scores and selection keys of the E experts
// are in shared memory; the K best are drawn one by one, each by a reduction over the wave.
#pragma once

#include <string_view>
#include <utility>

#include "kernels/math.hpp"
#include "kernels/route/params.hpp"
#include "kernels/simt.hpp"
#include "kernels/simt_elements.hpp"
#include "switchyard/limits.hpp"

namespace switchyard::kernels::simt {

/// An expert, or a group, as a candidate: key 0 is none; better is the greater key, then the lower
/// id.
struct Candidate {
  std::uint32_t key;
  std::int32_t id;
};

[[nodiscard]] constexpr bool better(const Candidate& a, const Candidate& b) noexcept {
  return a.key > b.key || (a.key == b.key && a.id < b.id);
}

/// A key that is never 0, in the order of order_key (whose largest value is that of +inf).
[[nodiscard]] constexpr std::uint32_t candidate_key(float selection) noexcept {
  return order_key(selection) + 1;
}

struct RouteBody {
  using Params = RouteParams;
  static constexpr std::string_view kName = "route";
  static constexpr auto kMaxTopK = static_cast<std::int32_t>(limits::kMaxTopK);

  /// Tokens of a block: as many waves as shared memory allows, four at most.
  [[nodiscard]] static std::int64_t tokens_per_block(const RouteParams& params) noexcept {
    const auto fitting = static_cast<std::int64_t>(16 * 1024 / token_bytes(params));
    return fitting < 1 ? 1 : (fitting > 4 ? 4 : fitting);
  }
  [[nodiscard]] static constexpr std::size_t token_bytes(const RouteParams& params) noexcept {
    return static_cast<std::size_t>(params.num_experts + params.num_groups) * 4;
  }
  [[nodiscard]] static std::size_t block_bytes(const RouteParams& params) noexcept {
    const std::int64_t tokens = tokens_per_block(params);
    return shared_bytes<std::uint32_t>(tokens * params.num_experts) +
           shared_bytes<std::uint32_t>(tokens * params.num_groups) +
           shared_bytes<std::int32_t>(tokens * kMaxTopK) + shared_bytes<float>(tokens * kMaxTopK);
  }

  template <class Ctx>
  SWITCHYARD_FN static void run(Ctx& ctx, const RouteParams& params) {
    Wave<Ctx> wave(ctx, params);
    const std::int64_t live = live_count(params.live_tokens, params.num_tokens);
    const std::int64_t step = std::int64_t{ctx.num_blocks()} * ctx.num_waves();
    std::int64_t token = std::int64_t{ctx.block()} * ctx.num_waves() + ctx.wave();
    for (; token < live; token += step) wave.route(token);
  }

 private:
  /// One wave at work on one token after another.
  template <class Ctx>
  struct Wave {
    template <class T>
    using Shared = decltype(std::declval<Ctx&>().template shared<T>(0));

    Ctx& ctx;
    const RouteParams& params;
    Shared<std::uint32_t> keys;    // [E] candidate keys, 0: taken
    Shared<std::uint32_t> groups;  // [num_groups] candidate keys, 0: kept
    Shared<std::int32_t> chosen;   // [K]
    Shared<float> weights;         // [K]
    std::int64_t token = 0;
    float best = 0.0F;  // of the row's logits, as softmax uses it
    float sum = 0.0F;   // of the row's exponentials

    SWITCHYARD_FN Wave(Ctx& ctx_in, const RouteParams& params_in)
        : ctx(ctx_in),
          params(params_in),
          keys(own(ctx.template shared<std::uint32_t>(ctx.num_waves() * params.num_experts),
                   params.num_experts)),
          groups(own(ctx.template shared<std::uint32_t>(ctx.num_waves() * params.num_groups),
                     params.num_groups)),
          chosen(own(ctx.template shared<std::int32_t>(ctx.num_waves() * kMaxTopK), kMaxTopK)),
          weights(own(ctx.template shared<float>(ctx.num_waves() * kMaxTopK), kMaxTopK)) {}

    /// This wave's part of an array that all waves of the block share.
    template <class Array>
    SWITCHYARD_FN Array own(Array all, std::int32_t count) const {
      return all.offset(ctx.wave() * count);
    }

    SWITCHYARD_FN void route(std::int64_t t) {
      token = t;
      ctx.sync_wave();  // the token before this one has been read out
      if (params.score == ScoreFunction::softmax)
        prepare_softmax(params.num_experts, [this](std::int32_t e) { return logit(e); });
      for (std::int32_t e = ctx.lane(); e < params.num_experts; e += Ctx::kWave)
        keys[e] = candidate_key(selection(e));
      ctx.sync_wave();
      if (params.num_groups > 1) drop_groups();
      select();
      weigh();
      for (std::int32_t k = ctx.lane(); k < params.top_k; k += Ctx::kWave) {
        params.selected_ids[token * params.top_k + k] = ExpertId{std::int32_t{chosen[k]}};
        params.pair_weights[token * params.top_k + k] = weights[k];
      }
    }

    [[nodiscard]] SWITCHYARD_FN float logit(std::int32_t e) const {
      const std::int64_t at = token * params.num_experts + e;
      return with_type_of(params.logits_dtype, [&](auto stored) {
        return load<decltype(stored)>(params.router_logits, at);
      });
    }

    /// Sets best and sum for the softmax over logit_at(0) .. logit_at(count - 1).
    template <class LogitAt>
    SWITCHYARD_FN void prepare_softmax(std::int32_t count, LogitAt logit_at) {
      best = -kInfinity;
      for (std::int32_t i = ctx.lane(); i < count; i += Ctx::kWave) {
        const float l = score_input(logit_at(i));
        best = l > best ? l : best;
      }
      best = wave_best(ctx, best, [](float a, float b) { return a > b; });
      sum = strided_sum(ctx, count, [&](std::int32_t i) { return exponential(logit_at(i)); });
    }
    [[nodiscard]] SWITCHYARD_FN float exponential(float l) const {
      return best == -kInfinity ? 0.0F : exp_nonpositive(score_input(l) - best);
    }
    [[nodiscard]] SWITCHYARD_FN float softmax(float l) const {
      return sum > 0.0F ? exponential(l) / sum : 0.0F;
    }

    [[nodiscard]] SWITCHYARD_FN float score(std::int32_t e) const {
      const float l = logit(e);
      if (params.score == ScoreFunction::softmax) return softmax(l);
      return params.score == ScoreFunction::sigmoid ? sigmoid(score_input(l)) : score_input(l);
    }

    [[nodiscard]] SWITCHYARD_FN float selection(std::int32_t e) {
      const float l = logit(e);
      if (is_nan(l) || (params.correction_bias == nullptr && params.num_groups == 1)) return l;
      return params.correction_bias == nullptr ? score(e) : score(e) + params.correction_bias[e];
    }

    /// Selection of group g: of its best member, or the sum of its two best.
    [[nodiscard]] SWITCHYARD_FN float group_selection(std::int32_t g) {
      const std::int32_t width = params.num_experts / params.num_groups;
      Candidate first{0, 0};
      Candidate second{0, 0};
      for (std::int32_t e = g * width; e < (g + 1) * width; ++e) {
        const Candidate own{keys[e], e};
        if (better(own, first)) {
          second = first;
          first = own;
        } else if (better(own, second)) {
          second = own;
        }
      }
      const float value = selection(first.id);
      const bool alone = params.group_score == GroupScore::best || width == 1;
      return alone ? value : value + selection(second.id);
    }

    /// Keeps the best groups; the experts of the others get the fill as their selection.
    SWITCHYARD_FN void drop_groups() {
      for (std::int32_t g = ctx.lane(); g < params.num_groups; g += Ctx::kWave)
        groups[g] = candidate_key(group_selection(g));
      ctx.sync_wave();
      for (std::int32_t kept = 0; kept < params.kept_groups; ++kept)
        static_cast<void>(take_best(groups, params.num_groups));
      const float fill = params.group_fill == GroupFill::zero ? 0.0F : -kInfinity;
      const std::int32_t width = params.num_experts / params.num_groups;
      for (std::int32_t e = ctx.lane(); e < params.num_experts; e += Ctx::kWave)
        if (groups[e / width] != 0U && !is_nan(logit(e))) keys[e] = candidate_key(fill);
      ctx.sync_wave();
    }

    /// The best candidate among `count` keys, whose key becomes 0.
    SWITCHYARD_FN std::int32_t take_best(Shared<std::uint32_t>& from, std::int32_t count) {
      Candidate winner{0, 0};
      for (std::int32_t i = ctx.lane(); i < count; i += Ctx::kWave) {
        const Candidate own{from[i], i};
        if (better(own, winner)) winner = own;
      }
      winner = wave_best(ctx, winner,
                         [](const Candidate& a, const Candidate& b) { return better(a, b); });
      if (winner.id % Ctx::kWave == ctx.lane()) from[winner.id] = 0U;
      ctx.sync_wave();
      return winner.id;
    }

    SWITCHYARD_FN void select() {
      for (std::int32_t k = 0; k < params.top_k; ++k) {
        const std::int32_t id = take_best(keys, params.num_experts);
        if (ctx.lane() == 0) chosen[k] = id;
      }
      ctx.sync_wave();
    }

    SWITCHYARD_FN void weigh() {
      const std::int32_t top_k = params.top_k;
      const bool over_selected = params.weights_from == WeightsFrom::softmax_over_selected;
      const auto chosen_logit = [this](std::int32_t k) { return logit(chosen[k]); };
      if (over_selected) prepare_softmax(top_k, chosen_logit);
      for (std::int32_t k = ctx.lane(); k < top_k; k += Ctx::kWave)
        weights[k] = over_selected ? softmax(chosen_logit(k)) : score(chosen[k]);
      ctx.sync_wave();
      const bool divides = params.renormalize != Renormalize::none;
      const float total =
          divides ? strided_sum(ctx, top_k, [&](std::int32_t k) { return float{weights[k]}; })
                  : 0.0F;
      const float divisor = params.renormalize == Renormalize::divide_by_sum
                                ? total + params.epsilon
                                : (total < params.epsilon ? params.epsilon : total);
      const DType dtype = weights_dtype(params);
      ctx.sync_wave();
      for (std::int32_t k = ctx.lane(); k < top_k; k += Ctx::kWave) {
        float weight = weights[k];
        if (divides) weight = divisor > 0.0F ? weight / divisor : 1.0F / static_cast<float>(top_k);
        weights[k] = finite_weight(round_to(dtype, weight * params.scaling_factor), dtype);
      }
      ctx.sync_wave();
    }
  };
};

/// Calls launch.template operator()<Body>(shape, params) for every launch of the stage.
template <class Launch>
void launch_all(const RouteParams& params, int wave_size, Launch&& launch) {
  const std::int64_t tokens = RouteBody::tokens_per_block(params);
  launch.template operator()<RouteBody>(
      LaunchShape{blocks_for(ceil_div(params.num_tokens, tokens)),
                  static_cast<std::int32_t>(tokens) * wave_size, RouteBody::block_bytes(params)},
      params);
}

}  // namespace switchyard::kernels::simt
