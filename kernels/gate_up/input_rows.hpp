// SPDX-License-Identifier: Apache-2.0
// What a packed row of stage "gate_up" reads.
#pragma once

#include <cstdint>

#include "kernels/function.hpp"
#include "kernels/gate_up/params.hpp"

namespace switchyard::kernels {

/// The token of a packed row.
[[nodiscard]] SWITCHYARD_FN inline std::int64_t token_of(const GateUpParams& params,
                                                         std::int64_t row) noexcept {
  return params.expert_offsets == nullptr ? row : value_of(params.packed_token_idx[row]);
}

/// The weight that the pair in `row` puts on its input: 1 where weights are applied at combine.
[[nodiscard]] SWITCHYARD_FN inline float input_weight(const GateUpParams& params,
                                                      std::int64_t row) noexcept {
  if (params.pair_weights == nullptr) return 1.0F;
  std::int64_t pair = token_of(params, row) * params.top_k;
  while (value_of(params.pairs_by_token[pair]) != row) ++pair;
  return params.pair_weights[pair];
}

}  // namespace switchyard::kernels
