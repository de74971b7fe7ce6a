// SPDX-License-Identifier: Apache-2.0
// The SIMT body of stage "gate": one wave per (token, output), lanes along the hidden size.
#pragma once

#include <string_view>

#include "kernels/gate/params.hpp"
#include "kernels/simt.hpp"
#include "kernels/simt_elements.hpp"

namespace switchyard::kernels::simt {

struct GateBody {
  using Params = GateParams;
  static constexpr std::string_view kName = "gate";

  template <class Ctx>
  SWITCHYARD_FN static void run(Ctx& ctx, const GateParams& params) {
    const std::int64_t outputs = params.num_outputs;
    const std::int64_t items = live_count(params.live_tokens, params.num_tokens) * outputs;
    const std::int64_t step = std::int64_t{ctx.num_blocks()} * ctx.num_waves();
    std::int64_t item = std::int64_t{ctx.block()} * ctx.num_waves() + ctx.wave();
    for (; item < items; item += step) {
      const std::int64_t t = item / outputs;
      const std::int64_t n = item % outputs;
      const float* const weight = params.weight + n * params.hidden_size;
      const float sum = with_type_of(params.activation_dtype, [&](auto stored) {
        return strided_sum(ctx, params.hidden_size, [&](std::int32_t h) {
          return load<decltype(stored)>(params.hidden_states, t * params.hidden_size + h) *
                 weight[h];
        });
      });
      const float logit = sum + (params.bias == nullptr ? 0.0F : params.bias[n]);
      if (ctx.lane() == 0)
        params.logits[item] = params.rounding == Rounding::activation
                                  ? round_to(params.activation_dtype, logit)
                                  : logit;
    }
  }
};

/// Calls launch.template operator()<Body>(shape, params) for every launch of the stage.
template <class Launch>
void launch_all(const GateParams& params, int wave_size, Launch&& launch) {
  constexpr int kThreads = 256;
  const std::int64_t items = std::int64_t{params.num_tokens} * params.num_outputs;
  launch.template operator()<GateBody>(
      LaunchShape{blocks_for(ceil_div(items, kThreads / wave_size)), kThreads, 0}, params);
}

}  // namespace switchyard::kernels::simt
