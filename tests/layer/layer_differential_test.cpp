// SPDX-License-Identifier: Apache-2.0
// Random layers and calls against the oracle, on both paths, from memory of three poisons.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

#include "layer/support/layer_draw.hpp"
#include "support/catch.hpp"
#include "support/scale.hpp"

using namespace switchyard;
using namespace switchyard::test;

namespace {

LayerDraw draw(Random& random) {
  LayerDraw drawn;
  for (;;) {
    drawn.layer = random_layer(random);
    for (int attempt = 0; attempt < 20; ++attempt) {
      const std::int64_t tokens = random.in(0, random.in(0, attempt < 10 ? 40 : 3));
      const Routing routing = random.pick({Routing::gate, Routing::logits, Routing::preselected});
      drawn.call = random_call(random, drawn.layer, tokens, routing);
      drawn.expected =
          oracle::forward(drawn.layer.config, drawn.layer.reference(), drawn.call.reference());
      if (drawn.expected.ambiguous) continue;
      if (random.chance(0.6)) drawn.options.block_size = random.pick({16, 32, 64});
      return drawn;
    }
  }
}

}  // namespace

TEMPLATE_LIST_TEST_CASE("random layers compute what the oracle does", "[layer]", Backends) {
  Session<TestType> session;
  const std::int64_t count = scaled_for<TestType>(1200);
  double worst = 0.0;
  for (std::int64_t i = 0; i < count; ++i) {
    Random random(7'000'000 + static_cast<std::uint64_t>(i));
    const LayerDraw drawn = draw(random);
    std::string wrong;
    MoeLayer<TestType> layer(session.backend, session.stream, drawn.layer.config,
                             drawn.layer.host(), drawn.options);
    LayerOptions on_host = drawn.options;
    on_host.route_path = RoutePath::host;
    MoeLayer<TestType> host_layer(session.backend, session.stream, drawn.layer.config,
                                  drawn.layer.host(), on_host);
    Outcome first;
    for (const Placement placement : {Placement::slab, Placement::separate}) {
      Outcome same_place;
      for (const std::byte poison : kPoisons) {
        const Outcome outcome = run_call(session, layer, drawn.call, {true, placement, poison});
        if (wrong.empty()) wrong = fault(drawn, outcome, worst);
        if (poison == kPoisons[0]) same_place = outcome;
        if (outcome.output != same_place.output || outcome.plan != same_place.plan) {
          wrong = "the result depends on what memory held before";
        }
      }
      if (placement == Placement::slab) first = same_place;
      if (wrong.empty() && same_place.output != first.output) wrong = "placement matters";
    }
    for (const bool bundle : {true, false}) {
      const Outcome outcome =
          run_call(session, host_layer, drawn.call, {bundle, Placement::slab, kPoisons[1]});
      if (wrong.empty()) wrong = fault(drawn, outcome, worst);
      if (wrong.empty() && outcome.output != first.output) wrong = "the paths differ";
      const bool same_blocks = outcome.plan.block_size == first.plan.block_size;
      if (wrong.empty() && same_blocks && outcome.plan != first.plan) {
        wrong = "the plans of the paths differ";
      }
    }
    if (!wrong.empty()) {
      FAIL("case " << i << ": " << wrong << "; T " << drawn.call.num_tokens << " "
                   << describe(drawn.layer.config));
    }
  }
  WARN(count << " random layers; the worst f32 output element used " << 100.0 * worst
             << " % of its bound");
  CHECK(worst <= 1.0);
}

TEMPLATE_LIST_TEST_CASE("partial sums of two ranks add up to the whole layer", "[layer]",
                        Backends) {
  Session<TestType> session;
  const std::int64_t count = scaled_for<TestType>(60);
  for (std::int64_t i = 0; i < count; ++i) {
    Random random(62'000 + static_cast<std::uint64_t>(i));
    INFO("case " << i);
    LayerCase whole = random_layer(random, {40, 40, 12, false});
    LayerConfig& config = whole.config;
    config.num_experts = random.in(2, 12);
    config.top_k = std::min<std::int64_t>(config.top_k, config.num_experts);
    config.router = RouterConfig{};
    config.shared_expert = {};
    config.activation_dtype = DType::f32;
    whole.gate_up_bias = whole.down_bias = whole.router_bias = whole.correction_bias = Tensor();
    whole.shared_gate_up = whole.shared_down = whole.shared_gate = Tensor();
    fill_tensors(random, whole, false);
    CallCase call = random_call(random, whole, 11, Routing::logits);
    call.residual = Tensor();
    call.residual_is_output = call.output_is_hidden_states = false;
    const oracle::Result expected = oracle::forward(config, whole.reference(), call.reference());

    const std::int64_t split = random.in(1, config.num_experts - 1);
    std::vector<double> sum(expected.output.size());
    std::vector<double> slack(expected.output.size());
    for (const bool upper : {false, true}) {
      LayerCase rank = whole;
      const std::int64_t first = upper ? split : 0;
      const std::int64_t local = upper ? config.num_experts - split : split;
      rank.config.num_local_experts = local;
      for (std::int64_t e = 0; e < config.num_experts; ++e) {
        const bool mine = e >= first && e < first + local;
        rank.expert_map.push_back(mine ? static_cast<std::int32_t>(e - first) : -1);
      }
      const auto slice = [&](const Tensor& tensor, std::int64_t rows, std::int64_t columns) {
        const auto per_expert = static_cast<std::ptrdiff_t>(rows * columns);
        const auto begin = tensor.values().begin() + first * per_expert;
        return Tensor(std::vector<double>(begin, begin + local * per_expert), tensor.dtype(),
                      {local, rows, columns});
      };
      const std::int64_t products = config.activation.rows_per_feature() * config.intermediate_size;
      rank.gate_up = slice(whole.gate_up, products, config.hidden_size);
      rank.down = slice(whole.down, config.hidden_size, config.intermediate_size);
      MoeLayer<TestType> layer(session.backend, session.stream, rank.config, rank.host());
      const Outcome outcome = run_call(session, layer, call);
      const oracle::Result partial =
          oracle::forward(rank.config, rank.reference(), call.reference());
      CHECK(worst_error(outcome.output, DType::f32, partial.output) <= 1.0);
      const std::vector<double> values = decode_all(outcome.output, DType::f32);
      for (std::size_t j = 0; j < sum.size(); ++j) {
        sum[j] += values[j];
        slack[j] += partial.output[j].bound;
      }
    }
    bool adds_up = true;
    for (std::size_t j = 0; j < sum.size(); ++j) {
      adds_up = adds_up && std::abs(sum[j] - expected.output[j].value) <= slack[j];
    }
    CHECK(adds_up);
  }
}
