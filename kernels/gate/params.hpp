// SPDX-License-Identifier: Apache-2.0
// Stage "gate": a narrow linear layer over the live tokens, in f32. The router's logits (N = E),
// and the gate of a shared expert (N = 1).
//
// The sum goes in the order of strided_sum (kernels/math.hpp), so that logits, and with them the
// plan, are bit-equal on every backend.
//
//   logits[t, n] = sum over h of hidden_states[t, h] * weight[n, h], + bias[n]      for live t
#pragma once

#include <cstdint>
#include <string_view>

#include "kernels/param_block.hpp"
#include "switchyard/dtype.hpp"
#include "switchyard/router.hpp"

namespace switchyard::kernels {

struct GateParams {
  const void* hidden_states;        // [T, H] activation_dtype
  const float* weight;              // [N, H]
  const float* bias;                // [N], or null
  const std::int32_t* live_tokens;  // [1], or null: all T
  float* logits;                    // [T, N]; rows beyond live tokens are left alone
  std::int32_t num_tokens;          // T
  std::int32_t hidden_size;         // H
  std::int32_t num_outputs;         // N
  DType activation_dtype;
  Rounding rounding;  // of logits, to activation_dtype or not at all
};
static_assert(kIsParamBlock<GateParams>);

struct Gate {
  using Params = GateParams;
  static constexpr std::string_view kName = "gate";
};

}  // namespace switchyard::kernels
