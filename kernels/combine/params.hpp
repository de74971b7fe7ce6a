// SPDX-License-Identifier: Apache-2.0
// Stage "combine": the weighted sum of a token's expert rows, in f32 and in the order of k.
//
//   output[t] = sum over k of pair_weights[t, k] * expert_rows[pairs_by_token[t, k]]   (skipped:
//   not read)
//             + shared_rows[t] * sigmoid(shared_gate[t])                               (where
//             given)
//             + residual[t]                                                            (where
//             given)
//
// for live t; zero beyond.
#pragma once

#include <cstdint>
#include <string_view>

#include "kernels/param_block.hpp"
#include "switchyard/dtype.hpp"
#include "switchyard/index.hpp"

namespace switchyard::kernels {

struct CombineParams {
  const void* expert_rows;          // [T*K, H] activation_dtype
  const PackedRow* pairs_by_token;  // [T, K]
  const float* pair_weights;        // [T, K], or null: the weights are in the rows already
  const void* shared_rows;          // [T, H] activation_dtype, or null
  const float* shared_gate;         // [T], or null: shared_rows count in full
  const void* residual;             // [T, H] activation_dtype, or null; may be output
  const std::int32_t* live_tokens;  // [1], or null: all T
  void* output;                     // [T, H] activation_dtype
  std::int32_t num_tokens;          // T
  std::int32_t top_k;               // K
  std::int32_t hidden_size;         // H
  DType activation_dtype;
};
static_assert(kIsParamBlock<CombineParams>);

struct Combine {
  using Params = CombineParams;
  static constexpr std::string_view kName = "combine";
};

}  // namespace switchyard::kernels
