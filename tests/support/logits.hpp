// SPDX-License-Identifier: Apache-2.0
// Router logits of many kinds, drawn so that the double oracle's choice is the only right one.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "support/oracle.hpp"
#include "support/random.hpp"
#include "switchyard/router.hpp"

namespace switchyard::test {

/// What a batch of logits looks like.
enum class LogitKind : std::uint8_t {
  normal,
  ties,         ///< Few distinct values: exact ties everywhere.
  constant,     ///< One value: the ids are 0 .. K-1, or the best biases.
  hot_expert,   ///< Every token has the same favourite.
  few_experts,  ///< Most experts stay empty.
  close,        ///< Two values and what differs from them in the last bits of f32. As `wide`.
  wide,         ///< Up to +-60. Not with a bias or groups, where f32 scores saturate.
};

/// A batch and what the oracle makes of it.
struct RoutedBatch {
  std::vector<double> logits;  // [T, E], numbers of `logits_dtype`
  std::vector<std::int32_t> selected_ids;
  std::vector<Bounded> pair_weights;
};

/// Draws T rows. With a bias or groups an expert is selected by a computed f32 score, and two
/// experts whose scores are closer than their error bounds, but whose logits and biases differ,
/// could be ranked either way: such a row is drawn again until every gap that decides exceeds the
/// bounds of the two scores (a few ulp), after 50 times from `normal`. Exact ties stay.
RoutedBatch draw_batch(Random& random, const RouterConfig& router, DType activation_dtype,
                       std::span<const double> correction_bias, std::int64_t num_tokens,
                       std::int64_t num_experts, std::int64_t top_k, DType logits_dtype,
                       LogitKind kind);

}  // namespace switchyard::test
