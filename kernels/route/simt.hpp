// SPDX-License-Identifier: Apache-2.0
// The SIMT body of stage "route": one wave per token. Scores and selection keys of the E experts
// are in shared memory; the K best are drawn one by one, each by a reduction over the wave.
#pragma once

#include <string_view>
#include <utility>

#include "kernels/route/params.hpp"
#include "kernels/route/simt_scores.hpp"
#include "kernels/simt.hpp"
#include "switchyard/limits.hpp"

namespace switchyard::kernels::simt {

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
           shared_bytes<std::int32_t>(tokens * kMaxTopK);
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
    RowScores<Ctx> scores;
    Shared<std::uint32_t> keys;    // [E] candidate keys, 0: taken
    Shared<std::uint32_t> groups;  // [num_groups] candidate keys, 0: kept
    Shared<std::int32_t> chosen;   // [K]

    SWITCHYARD_FN Wave(Ctx& ctx_in, const RouteParams& params_in)
        : ctx(ctx_in),
          params(params_in),
          scores{ctx_in, params_in},
          keys(own(ctx.template shared<std::uint32_t>(ctx.num_waves() * params.num_experts),
                   params.num_experts)),
          groups(own(ctx.template shared<std::uint32_t>(ctx.num_waves() * params.num_groups),
                     params.num_groups)),
          chosen(own(ctx.template shared<std::int32_t>(ctx.num_waves() * kMaxTopK), kMaxTopK)) {}

    /// This wave's part of an array that all waves of the block share.
    template <class Array>
    SWITCHYARD_FN Array own(Array all, std::int32_t count) const {
      return all.offset(ctx.wave() * count);
    }

    /// The keys of experts whose group is not kept become that of the fill.
    SWITCHYARD_FN void drop_groups() {
      scores.keep_groups(keys, groups);
      const std::int32_t width = params.num_experts / params.num_groups;
      for (std::int32_t e = ctx.lane(); e < params.num_experts; e += Ctx::kWave)
        if (groups[e / width] != 0U && !is_nan(scores.logit(e))) keys[e] = scores.fill_key();
      ctx.sync_wave();
    }

    SWITCHYARD_FN void route(std::int64_t token) {
      scores.token = token;
      ctx.sync_wave();  // the token before this one has been read out
      if (params.score == ScoreFunction::softmax)
        scores.prepare_softmax(params.num_experts,
                               [this](std::int32_t e) { return scores.logit(e); });
      for (std::int32_t e = ctx.lane(); e < params.num_experts; e += Ctx::kWave)
        keys[e] = candidate_key(scores.selection(scores.logit(e), e));
      ctx.sync_wave();
      if (params.num_groups > 1) drop_groups();
      for (std::int32_t k = 0; k < params.top_k; ++k) {
        const std::int32_t id = take_best(ctx, keys, params.num_experts);
        if (ctx.lane() == 0) chosen[k] = id;
      }
      ctx.sync_wave();
      const std::int64_t first = token * params.top_k;
      scores.weigh(
          chosen,
          [this](std::int32_t e) {
            const float l = scores.logit(e);
            return scores.over_selected() ? l : scores.score(l);
          },
          [&](std::int32_t k, std::int32_t e, float weight) {
            params.selected_ids[first + k] = ExpertId{e};
            params.pair_weights[first + k] = weight;
          });
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
