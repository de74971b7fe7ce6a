// SPDX-License-Identifier: Apache-2.0
// The recipes of the model families on rows small enough to work out by hand.
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "support/catch.hpp"
#include "support/run_call.hpp"

using namespace switchyard;
using namespace switchyard::test;

namespace {

/// One token routed by hand.
struct Example {
  std::string name;
  RouterConfig router;
  std::vector<double> logits;
  std::vector<double> correction_bias;
  std::vector<std::int32_t> ids;
  std::vector<double> weights;
};

double logistic(double x) {
  return 1.0 / (1.0 + std::exp(-x));
}

std::vector<Example> examples() {
  const double e = std::exp(1.0);
  const double all = 1.0 + e + e * e + e * e * e;  // sum of exp(0 .. 3)
  const std::vector<double> steps{1.0, 3.0, 0.0, 2.0};
  std::vector<Example> list;
  list.push_back({"qwen3_moe without norm_topk_prob",
                  routers::qwen3_moe(false),
                  steps,
                  {},
                  {1, 3},
                  {e * e * e / all, e * e / all}});
  list.push_back({"qwen3_moe with norm_topk_prob",
                  routers::qwen3_moe(true),
                  steps,
                  {},
                  {1, 3},
                  {e / (e + 1.0), 1.0 / (e + 1.0)}});
  list.push_back({"mixtral", routers::mixtral(), {5.0, 5.0, 5.0, 5.0}, {}, {0, 1}, {0.5, 0.5}});
  list.push_back(
      {"gpt_oss", routers::gpt_oss(), steps, {}, {1, 3}, {e / (e + 1.0), 1.0 / (e + 1.0)}});
  list.push_back({"llama4", routers::llama4(), steps, {}, {1}, {logistic(3.0)}});
  // The bias picks expert 2, its weight comes from the unbiased score.
  const double sum = logistic(0.0) + logistic(3.0);
  list.push_back({"deepseek_v3 with one group",
                  routers::deepseek_v3(1, 1, true, 2.5),
                  steps,
                  {0.0, 0.0, 1.0, 0.0},
                  {2, 1},
                  {2.5 * logistic(0.0) / sum, 2.5 * logistic(3.0) / sum}});
  list.push_back({"deepseek_v3 without norm_topk_prob",
                  routers::deepseek_v3(1, 1, false, 2.0),
                  steps,
                  {},
                  {1, 3},
                  {2.0 * logistic(3.0), 2.0 * logistic(2.0)}});
  // Groups {0, 1} and {2, 3}: the best expert is alone in its group, whose sum of two loses.
  list.push_back({"deepseek_v3 keeps the group with the better pair",
                  routers::deepseek_v3(2, 1, false, 1.0),
                  {3.0, -9.0, 2.0, 1.0},
                  {},
                  {2, 3},
                  {logistic(2.0), logistic(1.0)}});
  Example best = list.back();
  best.name = "groups ranked by their best";
  best.router.group_score = GroupScore::best;
  best.ids = {0, 1};
  best.weights = {logistic(3.0), logistic(-9.0)};
  list.push_back(best);
  // Biased scores of the kept group are negative: a zero fill lets dropped experts win.
  Example fill{"a group fill of minus infinity",
               routers::deepseek_v3(2, 1, false, 1.0),
               {1.0, 0.0, 3.0, 2.0},
               {-2.0, -2.0, -4.0, -4.0},
               {0, 1},
               {logistic(1.0), logistic(0.0)}};
  list.push_back(fill);
  fill.name = "a group fill of zero";
  fill.router.group_fill = GroupFill::zero;
  fill.ids = {2, 3};
  fill.weights = {logistic(3.0), logistic(2.0)};
  list.push_back(fill);
  Example clamped{"divide_by_clamped_sum", routers::qwen3_moe(true), steps, {}, {1, 3}, {}};
  clamped.router.renormalize = Renormalize::divide_by_clamped_sum;
  clamped.router.epsilon = 2.0F;
  clamped.weights = {e * e * e / all / 2.0, e * e / all / 2.0};
  list.push_back(clamped);
  Example epsilon = clamped;
  epsilon.name = "divide_by_sum with an epsilon";
  epsilon.router.renormalize = Renormalize::divide_by_sum;
  const double kept = (e * e * e + e * e) / all;
  epsilon.weights = {e * e * e / all / (kept + 2.0), e * e / all / (kept + 2.0)};
  list.push_back(epsilon);
  Example none{"a sum that is not positive gives 1 / K",
               routers::qwen3_moe(true),
               {-1.0, -2.0, -3.0, -4.0},
               {},
               {0, 1},
               {0.5, 0.5}};
  none.router.score = ScoreFunction::identity;
  list.push_back(none);
  Example scaled_none = none;
  scaled_none.name = "and is scaled";
  scaled_none.router.scaling_factor = 3.0F;
  scaled_none.weights = {1.5, 1.5};
  list.push_back(scaled_none);
  return list;
}

}  // namespace

TEMPLATE_LIST_TEST_CASE("each family's recipe on a row worked out by hand", "[routing]", Backends) {
  Session<TestType> session;
  for (const Example& example : examples()) {
    INFO(example.name);
    Random random(3);
    LayerCase layer_case;
    LayerConfig& config = layer_case.config;
    config.hidden_size = 2;
    config.intermediate_size = 2;
    config.num_experts = static_cast<std::int64_t>(example.logits.size());
    config.top_k = static_cast<std::int64_t>(example.ids.size());
    config.router = example.router;
    fill_tensors(random, layer_case, false);
    if (!example.correction_bias.empty()) {
      layer_case.correction_bias =
          Tensor(example.correction_bias, DType::f32, {1, 1, config.num_experts});
    }
    MoeLayer<TestType> layer(session.backend, session.stream, config, layer_case.host());
    CallCase call = random_call(random, layer_case, 1, Routing::logits);
    call.live_tokens.reset();
    call.router_logits = Tensor(example.logits, DType::f32, {1, 1, config.num_experts});
    for (const bool bundle : {true, false}) {
      const Outcome outcome =
          run_call(session, layer, call, {bundle, Placement::slab, kPoisons[1]});
      CHECK(outcome.plan.integers.selected_ids == example.ids);
      const std::vector<float> weights = outcome.plan.weights();
      REQUIRE(weights.size() == example.weights.size());
      for (std::size_t k = 0; k < weights.size(); ++k) {
        const double expected = example.weights[k];
        CHECK(std::abs(static_cast<double>(weights[k]) - expected) <=
              16.0 * kF32Roundoff * expected);
      }
    }
  }
}

TEST_CASE("presets set what their family's implementation does", "[routing]") {
  const RouterConfig qwen = routers::qwen3_moe(false);
  CHECK(qwen == RouterConfig{});
  CHECK(routers::mixtral() == routers::qwen3_moe(true));
  const RouterConfig deepseek = routers::deepseek_v3(8, 4, true, 2.5F);
  CHECK(deepseek.score == ScoreFunction::sigmoid);
  CHECK(deepseek.group_score == GroupScore::sum_of_two_best);
  CHECK(deepseek.num_groups == 8);
  CHECK(deepseek.kept_groups == 4);
  CHECK(deepseek.epsilon == 1e-20F);
  CHECK(deepseek.scaling_factor == 2.5F);
  CHECK(deepseek.weight_site == WeightSite::combine);
  CHECK(routers::gpt_oss().weights_from == WeightsFrom::softmax_over_selected);
  CHECK(routers::llama4().weight_site == WeightSite::expert_input);
}
