// SPDX-License-Identifier: Apache-2.0
// The MoE layer by its definition: in double, one token at a time, with a bound for every result.
// Shares nothing with the library but the enums and extents of its configuration.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "support/bounded.hpp"
#include "switchyard/layer_config.hpp"

namespace switchyard::test::oracle {

/// What a router chooses for one token.
struct RoutedToken {
  std::vector<std::int32_t> ids;  // [K] best first
  std::vector<Bounded> weights;   // [K]
  /// Two candidates that are not equal lie closer together than f32 can be trusted to tell apart:
  /// the ids say nothing. A case generator draws the token again.
  bool ambiguous = false;
};

/// `logits` [E]; `correction_bias` [E] or empty.
RoutedToken route(const RouterConfig& router, DType activation_dtype,
                  std::span<const Bounded> logits, std::span<const double> correction_bias,
                  std::size_t top_k);

/// The integer buffers of a plan, by the table of docs/architecture.md.
struct Plan {
  std::vector<std::int32_t> selected_ids;
  std::vector<std::int32_t> pairs_by_token;
  std::vector<std::int32_t> packed_token_idx;
  std::vector<std::int32_t> expert_offsets;
  std::vector<std::int32_t> sorted_tokens;
  std::vector<std::int32_t> block_ids;
  std::int32_t total_post_pad = 0;

  bool operator==(const Plan&) const = default;
};

/// Elements of the buffers of a plan, which may be more than its pairs and blocks need.
struct PlanExtents {
  std::size_t pairs = 0;
  std::size_t slots = 0;
  std::size_t blocks = 0;
};

/// `ids` [P] global experts, of which those outside [0, expert_map.size()), or outside
/// [0, num_experts) without a map, are skipped. num_experts are local experts.
Plan plan(std::span<const std::int32_t> ids, std::span<const std::int32_t> expert_map,
          std::size_t top_k, std::size_t num_experts, std::int32_t block_size,
          const PlanExtents& extents);

/// The layer's tensors as the layer holds them. Empty: absent.
struct Weights {
  std::vector<double> gate_up;          // [E, G*I, H]
  std::vector<double> down;             // [E, H, I]
  std::vector<double> gate_up_bias;     // [E, G*I]
  std::vector<double> down_bias;        // [E, H]
  std::vector<double> router;           // [E, H]
  std::vector<double> router_bias;      // [E]
  std::vector<double> correction_bias;  // [E]
  std::vector<double> shared_gate_up;   // [G*Is, H]
  std::vector<double> shared_down;      // [H, Is]
  std::vector<double> shared_gate;      // [H]
  std::vector<std::int32_t> expert_map;
};

/// The arguments of a forward.
struct Call {
  std::size_t num_tokens = 0;
  std::size_t live_tokens = 0;
  std::vector<double> hidden_states;       // [T, H]
  std::vector<double> router_logits;       // [T, E] or empty
  std::vector<std::int32_t> selected_ids;  // [T, K] or empty
  std::vector<double> pair_weights;        // [T, K] or empty
  std::vector<double> residual;            // [T, H] or empty
};

struct Result {
  std::vector<std::int32_t> selected_ids;  // [T, K]; -1 beyond the live tokens
  std::vector<Bounded> pair_weights;       // [T, K]; 0 beyond the live tokens
  std::vector<Bounded> output;             // [T, H]
  /// A token's experts are ambiguous (RoutedToken), or f32, or the dtype it is stored in, does not
  /// hold a value on the way to the output: a weight divided by the epsilon in place of a negative
  /// sum is of the order of 1e20. A case generator draws again.
  bool ambiguous = false;
};

Result forward(const LayerConfig& config, const Weights& weights, const Call& call);

}  // namespace switchyard::test::oracle
