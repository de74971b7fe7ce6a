// SPDX-License-Identifier: Apache-2.0
// Stage "down": the second matrix product of every expert, over its packed rows.
//
//   expert_rows[r, h] = sum over i of activated[r, i] * down[e, h, i], + bias[e, h]
//
// Without a plan (expert_offsets null) as in gate_up.
#pragma once

#include <cstdint>
#include <string_view>

#include "kernels/param_block.hpp"
#include "switchyard/dtype.hpp"
#include "switchyard/index.hpp"
#include "switchyard/weight_layout.hpp"

namespace switchyard::kernels {

struct DownParams {
  const void* activated;            // [max_rows, I] activation_dtype
  const void* down;                 // [E, H, I] weight_dtype, as weight_layout arranges it
  const float* bias;                // [E, H], or null
  void* expert_rows;                // [max_rows, H] activation_dtype
  const PackedRow* expert_offsets;  // [E + 1], or null: no plan
  const PackedRow* sorted_tokens;   // [slots]
  const ExpertId* block_ids;        // [max_blocks]
  const std::int32_t* live_tokens;  // [1], or null; read only without a plan
  std::int32_t max_rows;            // T * K, or T without a plan
  std::int32_t hidden_size;         // H
  std::int32_t intermediate_size;   // I
  std::int32_t num_experts;         // E, local
  std::int32_t block_size;
  DType activation_dtype;
  DType weight_dtype;
  WeightLayout weight_layout;  // of down
};
static_assert(kIsParamBlock<DownParams>);

struct Down {
  using Params = DownParams;
  static constexpr std::string_view kName = "down";
};

}  // namespace switchyard::kernels
