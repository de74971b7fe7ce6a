// SPDX-License-Identifier: Apache-2.0
// Stage "route": scores, selects and weighs. The recipe is switchyard/router.hpp.
#pragma once

#include <cstdint>
#include <string_view>

#include "kernels/param_block.hpp"
#include "switchyard/dtype.hpp"
#include "switchyard/index.hpp"
#include "switchyard/router.hpp"

namespace switchyard::kernels {

struct RouteParams {
  const void* router_logits;        // [T, E] logits_dtype
  const float* correction_bias;     // [E], or null
  const std::int32_t* live_tokens;  // [1], or null: all T
  ExpertId* selected_ids;           // [T, K]; rows beyond live tokens are left alone
  float* pair_weights;              // [T, K]; rows beyond live tokens are left alone
  std::int32_t num_tokens;          // T
  std::int32_t num_experts;         // E
  std::int32_t top_k;               // K
  std::int32_t num_groups;
  std::int32_t kept_groups;
  float epsilon;
  float scaling_factor;
  DType logits_dtype;
  DType activation_dtype;  // that weights are rounded to, where they are
  ScoreFunction score;
  GroupScore group_score;
  GroupFill group_fill;
  WeightsFrom weights_from;
  Renormalize renormalize;
  Rounding weights_rounding;
};
static_assert(kIsParamBlock<RouteParams>);

/// What pair weights are rounded to.
[[nodiscard]] constexpr DType weights_dtype(const RouteParams& params) noexcept {
  return params.weights_rounding == Rounding::activation ? params.activation_dtype : DType::f32;
}

struct Route {
  using Params = RouteParams;
  static constexpr std::string_view kName = "route";
};

}  // namespace switchyard::kernels
