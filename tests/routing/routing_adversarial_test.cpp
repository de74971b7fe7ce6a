// SPDX-License-Identifier: Apache-2.0
// Routing of any bit pattern: the ids of a token are distinct and in [0, E), its weights finite.
// Without a bias and groups the whole order is fixed: descending, NaN below -inf, -0 equal to +0,
// ties to the lower id.
#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <numeric>
#include <span>
#include <string>
#include <vector>

#include "support/backends.hpp"
#include "support/catch.hpp"
#include "support/layer_case.hpp"
#include "support/run_call.hpp"
#include "support/scale.hpp"
#include "switchyard/moe_layer.hpp"

using namespace switchyard;
using namespace switchyard::test;

namespace {

/// A tensor whose bits are given.
struct RawTensor {
  std::vector<std::byte> bytes;
  DType dtype = DType::f32;

  RawTensor(std::span<const std::uint32_t> words, DType type) : dtype(type) {
    const std::size_t width = size_of(dtype);
    bytes.resize(words.size() * width);
    for (std::size_t i = 0; i < words.size(); ++i) {
      std::memcpy(bytes.data() + i * width, &words[i], width);
    }
  }
};

/// Experts of one row from best to worst, where they are selected by logit.
std::vector<std::int32_t> ranking(std::span<const double> logits) {
  std::vector<std::int32_t> order(logits.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](std::int32_t a, std::int32_t b) {
    const double x = logits[static_cast<std::size_t>(a)];
    const double y = logits[static_cast<std::size_t>(b)];
    if (std::isnan(x) || std::isnan(y)) return !std::isnan(x) && std::isnan(y);
    return x > y;
  });
  return order;
}

/// What breaks the contract in the routing of one row, or nothing.
std::string fault(const LayerConfig& config, std::span<const double> logits,
                  std::span<const double> bias, std::span<const std::int32_t> ids,
                  std::span<const float> weights) {
  std::vector<bool> chosen(logits.size());
  for (const std::int32_t id : ids) {
    if (id < 0 || id >= config.num_experts) return "an id is out of range";
    if (chosen[static_cast<std::size_t>(id)]) return "an id occurs twice";
    chosen[static_cast<std::size_t>(id)] = true;
  }
  for (const float weight : weights) {
    if (!std::isfinite(weight)) return "a weight is not finite";
  }
  if (config.router.num_groups > 1) return {};
  if (bias.empty()) {
    const auto order = ranking(logits);
    return std::equal(ids.begin(), ids.end(), order.begin()) ? "" : "the order is not the rule's";
  }
  bool chose_nan = false;
  bool left_number = false;
  for (std::size_t e = 0; e < logits.size(); ++e) {
    if (chosen[e]) {
      chose_nan = chose_nan || std::isnan(logits[e]);
    } else {
      left_number = left_number || (std::isfinite(logits[e]) && !std::isnan(bias[e]));
    }
  }
  return chose_nan && left_number ? "a NaN logit won over a number" : "";
}

/// Routes `words` as logits [T, E] and checks every row; `bias_words` [E] or none.
template <class B>
void check_patterns(Session<B>& session, LayerConfig config, std::span<const std::uint32_t> words,
                    DType dtype, std::span<const std::uint32_t> bias_words) {
  const auto experts = static_cast<std::size_t>(config.num_experts);
  const auto top_k = static_cast<std::size_t>(config.top_k);
  config.hidden_size = 1;
  config.intermediate_size = 1;
  LayerCase layer_case;
  layer_case.config = config;
  layer_case.gate_up =
      Tensor(std::vector<double>(2 * experts), DType::f32, {config.num_experts, 2, 1});
  layer_case.down = Tensor(std::vector<double>(experts), DType::f32, {config.num_experts, 1, 1});
  HostMoeWeights weights = layer_case.host();
  const RawTensor bias(bias_words, DType::f32);
  if (!bias_words.empty()) {
    weights.correction_bias = {bias.bytes, DType::f32, {1, 1, config.num_experts}};
  }
  MoeLayer<B> layer(session.backend, session.stream, config, weights);

  const RawTensor raw(words, dtype);
  const auto tokens = static_cast<std::int64_t>(words.size() / experts);
  CallCase call;
  call.num_tokens = tokens;
  call.hidden_states =
      Tensor(std::vector<double>(static_cast<std::size_t>(tokens)), DType::f32, {1, tokens, 1});
  CallMemory<B> memory(session, config, call, Placement::separate, kPoisons[1],
                       layer.block_size(tokens));
  const Guarded<B, std::byte> logits(session.backend, session.stream, raw.bytes);
  memory.inputs().router_logits = {logits.span().data(), dtype, tokens, config.num_experts};

  const std::vector<double> values = decode_all(raw.bytes, dtype);
  const std::vector<double> bias_values = decode_all(bias.bytes, DType::f32);
  std::array<PlanContent, 2> plans;
  for (const bool bundle : {true, false}) {
    const auto plan = layer.route(session.stream, memory.inputs(), memory.intermediates(),
                                  bundle ? &memory.route() : nullptr);
    plans[bundle ? 0 : 1] = download_plan(session.backend, session.stream, plan);
  }
  std::string wrong;
  if (plans[0].integers.selected_ids != plans[1].integers.selected_ids ||
      plans[0].weight_bits != plans[1].weight_bits) {
    wrong = "the paths differ";
  }
  const std::vector<float> pair_weights = plans[0].weights();
  for (std::size_t t = 0; wrong.empty() && t < static_cast<std::size_t>(tokens); ++t) {
    wrong = fault(config, std::span(values).subspan(t * experts, experts), bias_values,
                  std::span(plans[0].integers.selected_ids).subspan(t * top_k, top_k),
                  std::span(pair_weights).subspan(t * top_k, top_k));
    if (!wrong.empty()) wrong += " in row " + std::to_string(t);
  }
  if (wrong.empty() && !(memory.intact() && logits.intact(session.stream))) wrong = "a canary";
  if (!wrong.empty()) FAIL(wrong << "; " << name(dtype) << " logits, " << describe(config));
}

/// Every recipe that reads the logits differently.
template <class Visit>
void for_each_recipe(Visit&& visit) {
  for (const ScoreFunction score :
       {ScoreFunction::softmax, ScoreFunction::sigmoid, ScoreFunction::identity}) {
    for (const WeightsFrom from : {WeightsFrom::scores, WeightsFrom::softmax_over_selected}) {
      for (const Renormalize renormalize :
           {Renormalize::none, Renormalize::divide_by_sum, Renormalize::divide_by_clamped_sum}) {
        RouterConfig router;
        router.score = score;
        router.weights_from = from;
        router.renormalize = renormalize;
        router.epsilon = 1e-20F;
        router.scaling_factor = 2.5F;
        visit(router);
      }
    }
  }
}

void set_groups(RouterConfig& router, int recipe) {
  router.num_groups = 8;
  router.kept_groups = 1 + recipe % 8;
  router.group_score = recipe % 2 == 0 ? GroupScore::best : GroupScore::sum_of_two_best;
  router.group_fill = recipe % 3 == 0 ? GroupFill::zero : GroupFill::minus_infinity;
}

/// Any 32 bits, half of the time near the edges of the format.
std::uint32_t any_word(Random& random) {
  constexpr std::array<std::uint32_t, 14> kEdges{
      0x00000000, 0x80000000, 0x7f800000, 0xff800000, 0x7fc00000, 0xffc00000, 0x7f7fffff,
      0xff7fffff, 0x00000001, 0x80000001, 0x7f800001, 0x3f800000, 0x42b17218, 0xffffffff};
  const auto word = static_cast<std::uint32_t>(random.bits());
  return random.chance(0.5) ? word : kEdges[word % kEdges.size()];
}

}  // namespace

TEMPLATE_LIST_TEST_CASE("every 16-bit pattern as a logit routes within the contract",
                        "[routing][adversarial]", Backends) {
  Session<TestType> session;
  std::vector<std::uint32_t> patterns(65'536);
  std::iota(patterns.begin(), patterns.end(), 0U);
  Random random(11);
  int recipe = 0;
  for_each_recipe([&](RouterConfig router) {
    for (const DType dtype : {DType::bf16, DType::f16}) {
      LayerConfig config;
      config.num_experts = 256;
      config.top_k = 32;
      config.router = router;
      check_patterns(session, config, patterns, dtype, {});
      random.shuffle(std::span(patterns));
      check_patterns(session, config, patterns, dtype, {});
      set_groups(config.router, recipe++);
      config.top_k = std::min<std::int64_t>(32, config.router.kept_groups * 32);
      check_patterns(session, config, patterns, dtype, {});
      std::vector<std::uint32_t> bias(256);
      for (std::uint32_t& word : bias) word = any_word(random);
      check_patterns(session, config, patterns, dtype, bias);
      config.router = router;
      check_patterns(session, config, patterns, dtype, bias);
      std::sort(patterns.begin(), patterns.end());
    }
  });
}

TEMPLATE_LIST_TEST_CASE("random f32 patterns as logits and bias route within the contract",
                        "[routing][adversarial]", Backends) {
  Session<TestType> session;
  Random random(12);
  std::vector<std::uint32_t> patterns(25'000);
  const std::int64_t rounds = scaled_for<TestType>(40);  // 40 * 25,000 = a million
  for (std::int64_t round = 0; round < rounds; ++round) {
    for (std::uint32_t& word : patterns) {
      word = round % 2 == 0 ? static_cast<std::uint32_t>(random.bits()) : any_word(random);
    }
    LayerConfig config;
    config.num_experts = random.pick({1, 8, 50, 250, 1000});
    config.top_k = std::min<std::int64_t>(config.num_experts, random.in(1, 64));
    config.router = random_router(random, config.num_experts, config.top_k);
    config.activation_dtype = random.pick({DType::f32, DType::bf16, DType::f16});
    INFO("round " << round);
    std::vector<std::uint32_t> bias(static_cast<std::size_t>(config.num_experts));
    for (std::uint32_t& word : bias) word = any_word(random);
    config.activation_dtype = DType::f32;
    check_patterns(session, config, patterns, DType::f32, {});
    check_patterns(session, config, patterns, DType::f32, bias);
    config.router.weights_rounding = Rounding::activation;
    check_patterns(session, config, patterns, DType::f32, {});
  }
  SUCCEED();
}

TEMPLATE_LIST_TEST_CASE("weights stay finite where they are rounded to a narrow dtype",
                        "[routing][adversarial]", Backends) {
  Session<TestType> session;
  for (const DType activation : {DType::bf16, DType::f16}) {
    LayerCase layer_case;
    LayerConfig& config = layer_case.config;
    config.hidden_size = 1;
    config.intermediate_size = 1;
    config.num_experts = 4;
    config.top_k = 4;
    config.activation_dtype = activation;
    config.router.score = ScoreFunction::identity;
    config.router.weights_rounding = Rounding::activation;
    config.router.scaling_factor = 1e6F;
    Random random(1);
    fill_tensors(random, layer_case, false);
    MoeLayer<TestType> layer(session.backend, session.stream, config, layer_case.host());
    CallCase call = random_call(random, layer_case, 1, Routing::logits);
    call.live_tokens.reset();
    call.router_logits = Tensor({1e30, -1e30, 3e38, 1.0}, DType::f32, {1, 1, 4});
    for (const float weight : run_call(session, layer, call).plan.weights()) {
      CHECK(std::isfinite(weight));
    }
  }
}

TEMPLATE_LIST_TEST_CASE("the documented order of special logits", "[routing][adversarial]",
                        Backends) {
  Session<TestType> session;
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
  const std::vector<double> logits{kNaN, -kInfinity, 0.0, -0.0, kInfinity, -0.0, 0.0, kNaN, 1e-45};
  LayerCase layer_case;
  LayerConfig& config = layer_case.config;
  config.hidden_size = 1;
  config.intermediate_size = 1;
  config.num_experts = 9;
  config.top_k = 9;
  Random random(1);
  fill_tensors(random, layer_case, false);
  MoeLayer<TestType> layer(session.backend, session.stream, config, layer_case.host());
  CallCase call = random_call(random, layer_case, 2, Routing::logits);
  call.live_tokens.reset();
  std::vector<double> rows = logits;
  rows.insert(rows.end(), 9, kNaN);
  call.router_logits = Tensor(rows, DType::f32, {1, 2, 9});
  const Outcome outcome = run_call(session, layer, call);
  CHECK(outcome.plan.integers.selected_ids ==
        std::vector<std::int32_t>{4, 8, 2, 3, 5, 6, 1, 0, 7, 0, 1, 2, 3, 4, 5, 6, 7, 8});
  for (const double value : decode_all(outcome.output, config.activation_dtype)) {
    CHECK(std::isfinite(value));
  }
}
