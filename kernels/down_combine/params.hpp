// SPDX-License-Identifier: Apache-2.0
// Stages "down" and "combine" as one launch, for few tokens whose experts have about a row each:
// the same bits as the two.
#pragma once

#include <cstdint>

#include "kernels/param_block.hpp"
#include "switchyard/dtype.hpp"
#include "switchyard/index.hpp"

namespace switchyard::kernels {

struct DownCombineParams {
  const void* activated;            // [T*K, I] dtype
  const void* down;                 // [local experts, H, I] dtype, row by row
  const float* bias;                // [local experts, H], or null
  const ExpertId* selected_ids;     // [T, K]
  const std::int32_t* expert_map;   // [E], or null
  const PackedRow* pairs_by_token;  // [T, K]
  const float* pair_weights;        // [T, K], or null
  const void* shared_rows;          // [T, H] dtype, or null
  const float* shared_gate;         // [T], or null: shared_rows count in full
  const void* residual;             // [T, H] dtype, or null; may be output
  const std::int32_t* live_tokens;  // [1], or null: all T
  void* output;                     // [T, H] dtype
  std::int32_t num_tokens;          // T
  std::int32_t top_k;               // K
  std::int32_t hidden_size;         // H
  std::int32_t intermediate_size;   // I
};
static_assert(kIsParamBlock<DownCombineParams>);

}  // namespace switchyard::kernels
