// SPDX-License-Identifier: Apache-2.0
// Routing and planning of generated batches against the oracle, on both paths: integers exactly,
// weights within the oracle's bound.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "support/catch.hpp"
#include "support/logits.hpp"
#include "support/run_call.hpp"
#include "support/scale.hpp"
#include "switchyard/limits.hpp"

using namespace switchyard;
using namespace switchyard::test;

namespace {

/// The block size that the host path must choose: the largest with at most 30 % padding.
std::int32_t expected_block_size(const std::vector<std::int32_t>& offsets) {
  std::int32_t chosen = 16;
  for (const std::int32_t bs : {32, 64}) {
    std::int64_t padded = 0;
    for (std::size_t e = 1; e < offsets.size(); ++e) {
      padded += (offsets[e] - offsets[e - 1] + bs - 1) / bs * bs;
    }
    if (padded > 0 && padded * 10 <= std::int64_t{offsets.back()} * 13) chosen = bs;
  }
  return chosen;
}

/// One layer and one batch for it.
struct RoutingCase {
  LayerCase layer;
  LayerOptions options;
  CallCase call;
  RoutedBatch expected;
};

std::int64_t draw_tokens(Random& random, std::int64_t num_experts) {
  const double size = random.uniform(0.0, 1.0);
  const std::int64_t tokens = size < 0.6   ? random.in(0, 4)
                              : size < 0.9 ? random.in(5, 16)
                                           : random.in(17, 130);
  return random.chance(0.02) ? tokens
                             : std::min(tokens, std::max<std::int64_t>(2, 16'000 / num_experts));
}

RoutingCase draw_case(Random& random, std::int64_t num_experts) {
  RoutingCase drawn;
  LayerConfig& config = drawn.layer.config;
  config.hidden_size = 1;
  config.intermediate_size = 1;
  config.num_experts = num_experts;
  config.top_k = random.in(1, std::min<std::int64_t>(num_experts, 32));
  if (random.chance(0.15)) config.top_k = std::min(num_experts, limits::kMaxTopK);
  config.activation_dtype = random.pick({DType::f32, DType::bf16, DType::f16});
  config.router = random_router(random, num_experts, config.top_k);
  drawn.layer.gate_up = Tensor(std::vector<double>(static_cast<std::size_t>(2 * num_experts)),
                               DType::bf16, {num_experts, 2, 1});
  drawn.layer.down = Tensor(std::vector<double>(static_cast<std::size_t>(num_experts)), DType::bf16,
                            {num_experts, 1, 1});
  const bool bias = random.chance(0.35);
  if (bias) {
    std::vector<double> values = normals(random, num_experts, 0.2);
    if (random.chance(0.3)) {
      for (double& value : values) value = std::floor(4.0 * value) / 4.0;
    }
    drawn.layer.correction_bias =
        Tensor(values, random.pick({DType::f32, DType::bf16}), {1, 1, num_experts});
  }
  if (random.chance(0.7)) drawn.options.block_size = random.pick({16, 32, 64});

  CallCase& call = drawn.call;
  call.num_tokens = draw_tokens(random, num_experts);
  call.hidden_states = Tensor(std::vector<double>(static_cast<std::size_t>(call.num_tokens)),
                              config.activation_dtype, {1, call.num_tokens, 1});
  const bool by_logit = !bias && config.router.num_groups == 1;
  const LogitKind kind =
      by_logit ? random.pick({LogitKind::normal, LogitKind::ties, LogitKind::constant,
                              LogitKind::hot_expert, LogitKind::few_experts, LogitKind::close,
                              LogitKind::wide})
               : random.pick({LogitKind::normal, LogitKind::normal, LogitKind::ties,
                              LogitKind::constant, LogitKind::hot_expert, LogitKind::few_experts});
  const DType dtype = random.pick({DType::f32, DType::bf16, DType::f16});
  drawn.expected = draw_batch(random, config.router, config.activation_dtype,
                              drawn.layer.correction_bias.values(), call.num_tokens, num_experts,
                              config.top_k, dtype, kind);
  call.router_logits = Tensor(drawn.expected.logits, dtype, {1, call.num_tokens, num_experts});
  if (random.chance(0.2)) {
    call.live_tokens = static_cast<std::int32_t>(random.in(-2, call.num_tokens + 2));
    const auto live = static_cast<std::size_t>(
        std::clamp<std::int64_t>(*call.live_tokens, 0, call.num_tokens) * config.top_k);
    std::fill(drawn.expected.selected_ids.begin() + static_cast<std::ptrdiff_t>(live),
              drawn.expected.selected_ids.end(), -1);
    std::fill(drawn.expected.pair_weights.begin() + static_cast<std::ptrdiff_t>(live),
              drawn.expected.pair_weights.end(), Bounded{});
  }
  return drawn;
}

/// What differs from the oracle, or nothing.
std::string difference(const RoutingCase& drawn, const PlanContent& plan, RoutePath path,
                       double& worst_weight) {
  const LayerConfig& config = drawn.layer.config;
  const oracle::Plan& got = plan.integers;
  const auto& ids = drawn.expected.selected_ids;
  const oracle::PlanExtents extents{got.selected_ids.size(), got.sorted_tokens.size(),
                                    got.block_ids.size()};
  if (extents.pairs < ids.size()) return "selected_ids is too short";
  const oracle::Plan expected =
      oracle::plan(ids, {}, static_cast<std::size_t>(config.top_k),
                   static_cast<std::size_t>(config.num_experts), plan.block_size, extents);
  if (drawn.options.block_size && plan.block_size != *drawn.options.block_size) return "block_size";
  if (!drawn.options.block_size && path == RoutePath::host &&
      plan.block_size != expected_block_size(expected.expert_offsets)) {
    return "block_size of the host path";
  }
  if (got.selected_ids != expected.selected_ids) return "selected_ids";
  if (got.pairs_by_token != expected.pairs_by_token) return "pairs_by_token";
  if (got.packed_token_idx != expected.packed_token_idx) return "packed_token_idx";
  if (got.expert_offsets != expected.expert_offsets) return "expert_offsets";
  if (got.sorted_tokens != expected.sorted_tokens) return "sorted_tokens";
  if (got.block_ids != expected.block_ids) return "block_ids";
  if (got.total_post_pad != expected.total_post_pad) return "total_post_pad";
  const std::vector<float> weights = plan.weights();
  for (std::size_t p = 0; p < weights.size(); ++p) {
    const Bounded expected_weight =
        p < ids.size() ? drawn.expected.pair_weights[p] : Bounded{0.0, 0.0};
    const double error = std::abs(static_cast<double>(weights[p]) - expected_weight.value);
    if (!(error <= expected_weight.bound)) return "pair_weights[" + std::to_string(p) + "]";
    if (error > 0.0 && config.router.weights_rounding == Rounding::f32)
      worst_weight = std::max(worst_weight, error / expected_weight.bound);
  }
  return {};
}

/// Draws and checks `count` batches for layers with `num_experts` experts.
template <class B>
void check_batches(Session<B>& session, std::int64_t num_experts, std::int64_t count,
                   double& worst_weight) {
  for (std::int64_t i = 0; i < count; ++i) {
    const auto seed = static_cast<std::uint64_t>(num_experts * 1'000'000 + i);
    Random random(seed);
    const RoutingCase drawn = draw_case(random, num_experts);
    std::string wrong;
    {
      MoeLayer<B> layer(session.backend, session.stream, drawn.layer.config, drawn.layer.host(),
                        drawn.options);
      const Placement placement = random.chance(0.5) ? Placement::slab : Placement::separate;
      CallMemory<B> memory(session, drawn.layer.config, drawn.call, placement,
                           kPoisons[static_cast<std::size_t>(random.in(0, 2))],
                           layer.block_size(drawn.call.num_tokens));
      for (const RoutePath path : {RoutePath::device, RoutePath::host}) {
        const auto plan = layer.route(session.stream, memory.inputs(), memory.intermediates(),
                                      path == RoutePath::device ? &memory.route() : nullptr);
        wrong = difference(drawn, download_plan(session.backend, session.stream, plan), path,
                           worst_weight);
        if (!wrong.empty()) {
          wrong += path == RoutePath::device ? " on the device path" : " on the host path";
          break;
        }
      }
      if (wrong.empty() && !memory.intact()) wrong = "a canary";
    }
    if (!wrong.empty()) {
      FAIL("seed " << seed << ": " << wrong << " is wrong; T " << drawn.call.num_tokens << " "
                   << describe(drawn.layer.config));
    }
  }
}

}  // namespace

TEMPLATE_LIST_TEST_CASE("generated batches route and plan as the oracle does", "[routing]",
                        Backends) {
  Session<TestType> session;
  std::int64_t cases = 0;
  double worst_weight = 0.0;
  for (std::int64_t num_experts = 1; num_experts <= 256; ++num_experts) {
    const std::int64_t count = scaled_for<TestType>(190);
    check_batches(session, num_experts, count, worst_weight);
    cases += count;
  }
  for (const std::int64_t num_experts :
       {257, 288, 320, 384, 511, 512, 513, 768, 1023, 1024, 1025, 2048, 4096}) {
    const std::int64_t count = scaled_for<TestType>(120);
    check_batches(session, num_experts, count, worst_weight);
    cases += count;
  }
  WARN(cases << " generated batches; the worst f32 weight used " << 100.0 * worst_weight
             << " % of its bound");
  CHECK(cases >= (scaled_for<TestType>(1000) >= 1000 ? 50'000 : 1));
}
