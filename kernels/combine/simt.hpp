// SPDX-License-Identifier: Apache-2.0
// The SIMT body of stage "combine": one thread per output element.
#pragma once

#include <string_view>

#include "kernels/combine/params.hpp"
#include "kernels/math.hpp"
#include "kernels/simt.hpp"
#include "kernels/simt_elements.hpp"

namespace switchyard::kernels::simt {

struct CombineBody {
  using Params = CombineParams;
  static constexpr std::string_view kName = "combine";

  template <class Ctx>
  SWITCHYARD_FN static void run(Ctx& ctx, const CombineParams& params) {
    const std::int64_t hidden = params.hidden_size;
    const std::int64_t elements = params.num_tokens * hidden;
    const std::int64_t live = live_count(params.live_tokens, params.num_tokens);
    const std::int64_t step = std::int64_t{ctx.num_blocks()} * ctx.num_threads();
    std::int64_t i = std::int64_t{ctx.block()} * ctx.num_threads() + ctx.thread();
    for (; i < elements; i += step)
      with_type_of(params.activation_dtype, [&](auto stored) {
        using Stored = decltype(stored);
        const std::int64_t t = i / hidden;
        const float sum = t < live ? element<Stored>(params, t, i % hidden) : 0.0F;
        store<Stored>(params.output, i, sum);
      });
  }

 private:
  template <class Stored>
  [[nodiscard]] SWITCHYARD_FN static float element(const CombineParams& params, std::int64_t t,
                                                   std::int64_t h) {
    const std::int64_t hidden = params.hidden_size;
    float sum = 0.0F;
    for (std::int64_t pair = t * params.top_k; pair < (t + 1) * params.top_k; ++pair) {
      const std::int64_t row = value_of(params.pairs_by_token[pair]);
      if (row < 0) continue;
      const float weight = params.pair_weights == nullptr ? 1.0F : params.pair_weights[pair];
      sum += weight * load<Stored>(params.expert_rows, row * hidden + h);
    }
    if (params.shared_rows != nullptr) {
      const float gate = params.shared_gate == nullptr ? 1.0F : sigmoid(params.shared_gate[t]);
      sum += gate * load<Stored>(params.shared_rows, t * hidden + h);
    }
    if (params.residual != nullptr) sum += load<Stored>(params.residual, t * hidden + h);
    return sum;
  }
};

/// Calls launch.template operator()<Body>(shape, params) for every launch of the stage.
template <class Launch>
void launch_all(const CombineParams& params, int /*wave_size*/, Launch&& launch) {
  constexpr int kThreads = 256;
  const std::int64_t elements = std::int64_t{params.num_tokens} * params.hidden_size;
  launch.template operator()<CombineBody>(
      LaunchShape{blocks_for(ceil_div(elements, kThreads)), kThreads, 0}, params);
}

}  // namespace switchyard::kernels::simt
