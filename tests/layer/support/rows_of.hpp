// SPDX-License-Identifier: Apache-2.0
// Some tokens of a call.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <vector>

#include "support/layer_case.hpp"

namespace switchyard::test {

/// Rows `tokens` of a call, as a call.
inline CallCase rows_of(const CallCase& call, const LayerConfig& config,
                        const std::vector<std::size_t>& tokens) {
  const auto rows = [&](const auto& values, std::int64_t width) {
    std::decay_t<decltype(values)> picked;
    const auto columns = static_cast<std::ptrdiff_t>(width);
    for (const std::size_t t : tokens) {
      const auto begin = values.begin() + static_cast<std::ptrdiff_t>(t) * columns;
      picked.insert(picked.end(), begin, begin + columns);
    }
    return picked;
  };
  CallCase part = call;
  part.num_tokens = static_cast<std::int64_t>(tokens.size());
  const auto tensor = [&](const Tensor& whole, std::int64_t width) {
    if (!whole.present()) return Tensor();
    return Tensor(rows(whole.values(), width), whole.dtype(), {1, part.num_tokens, width});
  };
  part.hidden_states = tensor(call.hidden_states, config.hidden_size);
  part.residual = tensor(call.residual, config.hidden_size);
  part.router_logits = tensor(call.router_logits, config.num_experts);
  if (!call.selected_ids.empty()) {
    part.selected_ids = rows(call.selected_ids, config.top_k);
    part.pair_weights = rows(call.pair_weights, config.top_k);
  }
  return part;
}

}  // namespace switchyard::test
