// SPDX-License-Identifier: Apache-2.0
// The oracle itself: its plan on an example worked out by hand, and bounds tight enough to see a
// wrong result.
#include <cmath>
#include <cstdint>
#include <vector>

#include "support/catch.hpp"
#include "support/layer_case.hpp"
#include "support/run_call.hpp"

using namespace switchyard;
using namespace switchyard::test;

TEST_CASE("the oracle plans an example worked out by hand", "[oracle]") {
  // Two experts per token; expert 1 gets pairs 0, 3, 4, expert 3 pair 1; 2, 5 are skipped.
  const std::vector<std::int32_t> ids{1, 3, -1, 1, 1, 4};
  const oracle::Plan plan = oracle::plan(ids, {}, 2, 4, 2, {8, 10, 5});
  CHECK(plan.selected_ids == std::vector<std::int32_t>{1, 3, -1, 1, 1, 4, -1, -1});
  CHECK(plan.pairs_by_token == std::vector<std::int32_t>{0, 3, -1, 1, 2, -1, -1, -1});
  CHECK(plan.packed_token_idx == std::vector<std::int32_t>{0, 1, 2, 0, -1, -1, -1, -1});
  CHECK(plan.expert_offsets == std::vector<std::int32_t>{0, 0, 3, 3, 4});
  CHECK(plan.sorted_tokens == std::vector<std::int32_t>{0, 1, 2, 6, 3, 6, 6, 6, 6, 6});
  CHECK(plan.block_ids == std::vector<std::int32_t>{1, 1, 3, -1, -1});
  CHECK(plan.total_post_pad == 6);

  const std::vector<std::int32_t> map{-1, 1, 0, 0, 1};
  const oracle::Plan mapped = oracle::plan(ids, map, 2, 2, 2, {6, 8, 4});
  CHECK(mapped.pairs_by_token == std::vector<std::int32_t>{1, 0, -1, 2, 3, 4});
  CHECK(mapped.expert_offsets == std::vector<std::int32_t>{0, 1, 5});

  const oracle::Plan empty = oracle::plan({}, {}, 2, 4, 16, {0, 0, 0});
  CHECK(empty.expert_offsets == std::vector<std::int32_t>(5, 0));
  CHECK(empty.total_post_pad == 0);
}

TEST_CASE("bounds are of the order of the roundings", "[oracle]") {
  for (const DType dtype : {DType::f32, DType::bf16, DType::f16}) {
    Random random(21);
    for (int i = 0; i < 20; ++i) {
      LayerCase layer = random_layer(random);
      layer.config.activation_dtype = dtype;
      layer.config.top_k = std::min<std::int64_t>(layer.config.top_k, 4);
      layer.config.router = RouterConfig{};
      layer.config.activation.kind = ActivationKind::swiglu;
      fill_tensors(random, layer, false);
      layer.correction_bias = Tensor();
      const CallCase call = random_call(random, layer, 3, Routing::logits);
      const auto result = oracle::forward(layer.config, layer.reference(), call.reference());
      double sum = 0.0;
      for (const Bounded& element : result.output) sum += element.bound;
      // Values are of the order of 1; a handful of stores to `dtype` and sums of 70 terms.
      CHECK(sum / static_cast<double>(result.output.size()) <=
            8.0 * format_of(dtype).unit_roundoff() + 10'000.0 * kF32Roundoff);
    }
  }
}

TEMPLATE_LIST_TEST_CASE("a forward with one wrong thing exceeds its bounds", "[oracle]", Backends) {
  Session<TestType> session;
  Random random(22);
  LayerCase right = random_layer(random, {33, 17, 6, false});
  LayerConfig& config = right.config;
  config.num_experts = 6;
  config.top_k = 2;
  config.activation_dtype = DType::f32;
  config.weight_dtype = DType::f32;
  config.router = RouterConfig{};
  config.router.renormalize = Renormalize::divide_by_sum;
  config.activation = ActivationConfig{};
  config.shared_expert = {9, true};
  right.gate_up_bias = right.down_bias = right.router_bias = right.correction_bias = Tensor();
  fill_tensors(random, right, false);
  CallCase call = random_call(random, right, 7, Routing::logits);
  call.live_tokens.reset();

  const auto worst = [&](const LayerCase& expected_layer, const CallCase& expected_call) {
    MoeLayer<TestType> layer(session.backend, session.stream, config, right.host());
    const Outcome outcome = run_call(session, layer, call);
    return worst_error(
        outcome.output, config.activation_dtype,
        oracle::forward(config, expected_layer.reference(), expected_call.reference()).output);
  };
  CHECK(worst(right, call) <= 1.0);
  const auto changed = [](const Tensor& tensor, std::array<std::int64_t, 3> shape) {
    std::vector<double> values = tensor.values();
    for (double& value : values) value *= 1.0 + 0x1p-14;
    return Tensor(values, DType::f32, shape);
  };
  const std::int64_t hidden = config.hidden_size;
  const std::int64_t width = config.intermediate_size;
  LayerCase wrong = right;
  wrong.gate_up = changed(right.gate_up, {6, 2 * width, hidden});
  CHECK(worst(wrong, call) > 1.0);
  wrong = right;
  wrong.down = changed(right.down, {6, hidden, width});
  CHECK(worst(wrong, call) > 1.0);
  wrong = right;
  wrong.shared_down = changed(right.shared_down, {1, hidden, 9});
  CHECK(worst(wrong, call) > 1.0);
  CallCase other = call;
  other.router_logits = changed(call.router_logits, {1, 7, 6});
  CHECK(worst(right, other) > 1.0);
}
