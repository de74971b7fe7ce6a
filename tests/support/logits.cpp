// SPDX-License-Identifier: Apache-2.0
#include "support/logits.hpp"

#include <algorithm>
#include <cstddef>
#include <stdexcept>

namespace switchyard::test {
namespace {

double draw(Random& random, LogitKind kind, std::size_t expert, std::size_t num_experts,
            std::size_t favourite) {
  switch (kind) {
    case LogitKind::ties:
      return static_cast<double>(random.in(-4, 3)) * 0.5;
    case LogitKind::constant:
      return 0.75;
    case LogitKind::hot_expert:
      return expert == favourite ? 9.0 + random.uniform(0.0, 1.0) : random.normal();
    case LogitKind::few_experts:
      return (expert + favourite) % num_experts < 1 + num_experts / 8 ? 4.0 + random.normal()
                                                                      : random.normal() - 4.0;
    case LogitKind::wide:
      return random.uniform(-60.0, 60.0);
    case LogitKind::close:
      return (random.chance(0.5) ? 1.0 : -1.0) *
             (1.0 + static_cast<double>(random.in(0, 300)) * 0x1p-23);
    default:
      return 2.0 * random.normal();
  }
}

}  // namespace

RoutedBatch draw_batch(Random& random, const RouterConfig& router, DType activation_dtype,
                       std::span<const double> correction_bias, std::int64_t num_tokens,
                       std::int64_t num_experts, std::int64_t top_k, DType logits_dtype,
                       LogitKind kind) {
  const auto experts = static_cast<std::size_t>(num_experts);
  const auto favourite = static_cast<std::size_t>(random.in(0, num_experts - 1));
  RoutedBatch batch;
  std::vector<Bounded> row(experts);
  for (std::int64_t t = 0; t < num_tokens; ++t) {
    oracle::RoutedToken routed;
    int attempts = 0;
    do {
      // In coarse dtypes many logits coincide, which is no ambiguity: equal inputs tie exactly.
      if (++attempts == 1000) throw std::runtime_error("no unambiguous row of logits found");
      const LogitKind drawn = attempts <= 50 ? kind : LogitKind::normal;
      for (std::size_t e = 0; e < experts; ++e) {
        row[e] = {round_to(draw(random, drawn, e, experts, favourite), logits_dtype), 0.0};
      }
      routed = oracle::route(router, activation_dtype, row, correction_bias,
                             static_cast<std::size_t>(top_k));
    } while (routed.ambiguous);
    for (const Bounded& logit : row) batch.logits.push_back(logit.value);
    batch.selected_ids.insert(batch.selected_ids.end(), routed.ids.begin(), routed.ids.end());
    batch.pair_weights.insert(batch.pair_weights.end(), routed.weights.begin(),
                              routed.weights.end());
  }
  return batch;
}

}  // namespace switchyard::test
