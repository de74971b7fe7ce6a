// SPDX-License-Identifier: Apache-2.0
// Stage "gate_up": the first matrix product of every expert, over its packed rows, and the
// activation.
//
//   x            = hidden_states[packed_token_idx[r]]         (* the pair's weight, where applied
//   on input) g_f, u_f     = sum over h of x[h] * gate_up[e, f or I + f, h], + bias activated[r, f]
//   = activation(g_f, u_f)
//
// for every packed row r of every expert e. Without a plan (expert_offsets null) there is one
// expert, and packed row r is token r for the live tokens: a shared expert.
#pragma once

#include <cstdint>
#include <string_view>

#include "kernels/param_block.hpp"
#include "switchyard/dtype.hpp"
#include "switchyard/index.hpp"
#include "switchyard/layer_config.hpp"
#include "switchyard/weight_layout.hpp"

namespace switchyard::kernels {

struct GateUpParams {
  const void* hidden_states;  // [T, H] activation_dtype
  const void* gate_up;        // [E, G*I, H] weight_dtype, gate rows first; G = 2, or 1: no gate
                              // (as weight_layout arranges it)
  const float* bias;          // [E, G*I], or null
  void* activated;            // [max_rows, I] activation_dtype
  const PackedRow* expert_offsets;     // [E + 1], or null: no plan
  const TokenIndex* packed_token_idx;  // [max_rows]
  const PackedRow* sorted_tokens;      // [slots]
  const ExpertId* block_ids;           // [max_blocks]
  const PackedRow* pairs_by_token;     // [max_rows]; null: no weight on the input
  const float* pair_weights;           // [max_rows]; null: no weight on the input
  const std::int32_t* live_tokens;     // [1], or null; read only without a plan
  std::int32_t max_rows;               // T * K, or T without a plan
  std::int32_t top_k;                  // K, or 1 without a plan
  std::int32_t hidden_size;            // H
  std::int32_t intermediate_size;      // I
  std::int32_t num_experts;            // E, local
  std::int32_t block_size;
  float alpha;
  float limit;
  ActivationKind activation;
  Rounding input_rounding;  // of g and u
  DType activation_dtype;
  DType weight_dtype;
  WeightLayout weight_layout;  // of gate_up
};
static_assert(kIsParamBlock<GateUpParams>);

/// Whether the expert has gate rows.
[[nodiscard]] constexpr bool has_gate(const GateUpParams& params) noexcept {
  return params.activation != ActivationKind::relu2;
}

struct GateUp {
  using Params = GateUpParams;
  static constexpr std::string_view kName = "gate_up";
};

}  // namespace switchyard::kernels
