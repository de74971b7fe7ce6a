// SPDX-License-Identifier: Apache-2.0
// Every activation with every dtype, and every small number of tokens, against the oracle.
#include <cstdint>

#include "layer/support/layer_draw.hpp"
#include "support/catch.hpp"

using namespace switchyard;
using namespace switchyard::test;

TEMPLATE_LIST_TEST_CASE("every activation, pair of dtypes and shared expert", "[layer]", Backends) {
  Session<TestType> session;
  double worst = 0.0;
  for (const DType activations : {DType::f32, DType::bf16, DType::f16}) {
    for (const DType weights : {DType::f32, DType::bf16, DType::f16}) {
      for (const ActivationKind kind :
           {ActivationKind::swiglu, ActivationKind::geglu_tanh, ActivationKind::geglu_erf,
            ActivationKind::relu2, ActivationKind::swiglu_clamped}) {
        for (const int shared : {0, 1, 2}) {
          Random random(61);
          LayerDraw drawn;
          LayerConfig& config = drawn.layer.config;
          config.hidden_size = 37;
          config.intermediate_size = 21;
          config.num_experts = 5;
          config.top_k = 2;
          config.activation_dtype = activations;
          config.weight_dtype = weights;
          config.activation.kind = kind;
          config.activation.limit = 0.5F;
          if (shared > 0) config.shared_expert = {15, shared == 2};
          fill_tensors(random, drawn.layer, false);
          const std::int64_t products = config.activation.rows_per_feature() * 21;
          drawn.layer.gate_up_bias =
              Tensor(normals(random, 5 * products, 0.5), weights, {1, 5, products});
          drawn.layer.down_bias = Tensor(normals(random, 5 * 37, 0.5), DType::f32, {1, 5, 37});
          drawn.call = random_call(random, drawn.layer, 9, Routing::logits);
          drawn.expected = oracle::forward(config, drawn.layer.reference(), drawn.call.reference());
          INFO(describe(config));
          MoeLayer<TestType> layer(session.backend, session.stream, config, drawn.layer.host());
          CHECK(fault(drawn, run_call(session, layer, drawn.call), worst).empty());
        }
      }
    }
  }
}

TEMPLATE_LIST_TEST_CASE("every number of tokens from 0 to 130", "[layer]", Backends) {
  Session<TestType> session;
  Random random(63);
  LayerDraw drawn;
  LayerConfig& config = drawn.layer.config;
  config.hidden_size = 24;
  config.intermediate_size = 10;
  config.num_experts = 6;
  config.top_k = 3;
  config.activation_dtype = DType::bf16;
  config.weight_dtype = DType::bf16;
  config.router.renormalize = Renormalize::divide_by_sum;
  fill_tensors(random, drawn.layer, false);
  MoeLayer<TestType> layer(session.backend, session.stream, config, drawn.layer.host());
  double worst = 0.0;
  for (std::int64_t tokens = 0; tokens <= 130; ++tokens) {
    INFO("T " << tokens);
    do {
      drawn.call = random_call(random, drawn.layer, tokens, Routing::gate);
      drawn.call.live_tokens.reset();
      drawn.expected = oracle::forward(config, drawn.layer.reference(), drawn.call.reference());
    } while (drawn.expected.ambiguous);
    for (const bool bundle : {true, false}) {
      const Outcome outcome =
          run_call(session, layer, drawn.call, {bundle, Placement::separate, kPoisons[1]});
      CHECK(fault(drawn, outcome, worst).empty());
    }
  }
}

TEMPLATE_LIST_TEST_CASE("no tokens at all need no memory", "[layer]", Backends) {
  Session<TestType> session;
  Random random(64);
  LayerCase layer_case = random_layer(random);
  const LayerConfig& config = layer_case.config;
  MoeLayer<TestType> layer(session.backend, session.stream, config, layer_case.host());
  MoeInputs inputs;
  inputs.hidden_states = {nullptr, config.activation_dtype, 0, config.hidden_size};
  inputs.output = {nullptr, config.activation_dtype, 0, config.hidden_size};
  const MoeScratch<TestType> scratch(session.backend, plan_workspace(config, 0));
  for (const bool bundle : {true, false}) {
    const auto route = scratch.route(0);
    const auto plan =
        layer.forward(session.stream, inputs, scratch.intermediates(), bundle ? &route : nullptr);
    const PlanContent content = download_plan(session.backend, session.stream, plan);
    CHECK(content.integers.total_post_pad == 0);
    CHECK(content.integers.expert_offsets ==
          std::vector<std::int32_t>(static_cast<std::size_t>(config.local_experts()) + 1, 0));
  }
}
