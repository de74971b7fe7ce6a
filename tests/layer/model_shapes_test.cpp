// SPDX-License-Identifier: Apache-2.0
// Layers with the experts, the router and the activation of published models, whose matrices are
// cut down to widths that no block divides, against the oracle.
#include <cstdint>
#include <string>
#include <vector>

#include "layer/support/layer_draw.hpp"
#include "support/catch.hpp"

using namespace switchyard;
using namespace switchyard::test;

namespace {

struct Shape {
  std::string model;
  std::int64_t num_experts, top_k;
  RouterConfig router;
  bool correction = false;  // a correction bias
  SharedExpertConfig shared{};
  ActivationKind activation = ActivationKind::swiglu;
  bool biases = false;  // of the experts and the router
};

RouterConfig deepseek_v2() {
  RouterConfig router = routers::qwen3_moe(false);
  router.group_score = GroupScore::best;
  router.group_fill = GroupFill::zero;
  router.num_groups = 8;
  router.kept_groups = 3;
  router.scaling_factor = 16.0F;
  return router;
}

std::vector<Shape> shapes() {
  const auto sigmoid = [](float scale) { return routers::deepseek_v3(1, 1, true, scale); };
  const ActivationKind clamped = ActivationKind::swiglu_clamped;
  const ActivationKind squared = ActivationKind::relu2;
  return {{"Mixtral 8x22B", 8, 2, routers::mixtral()},
          {"Qwen1.5-MoE", 60, 4, routers::qwen3_moe(false), false, {13, true}},
          {"Qwen3-30B-A3B", 128, 8, routers::qwen3_moe(true)},
          {"Qwen3-Next", 512, 10, routers::qwen3_moe(true), false, {5, true}},
          {"OLMoE", 64, 8, routers::qwen3_moe(false)},
          {"Jamba 1.5", 16, 2, routers::qwen3_moe(false)},
          {"DeepSeek-V2", 160, 6, deepseek_v2(), false, {14, false}},
          {"DeepSeek-V3", 256, 8, routers::deepseek_v3(8, 4, true, 2.5F), true, {7, false}},
          {"Kimi-K2", 384, 8, sigmoid(2.827F), true, {7, false}},
          {"GLM-4.5", 160, 8, sigmoid(2.5F), true, {7, false}},
          {"MiniMax-M2", 256, 8, sigmoid(1.0F), true},
          {"Nemotron-3 Nano", 128, 6, sigmoid(2.5F), true, {14, false}, squared},
          {"gpt-oss-20b", 32, 4, routers::gpt_oss(), false, {}, clamped, true},
          {"gpt-oss-120b", 128, 4, routers::gpt_oss(), false, {}, clamped, true},
          {"Granite 3.1 3B", 40, 8, routers::gpt_oss()},
          {"Llama 4 Scout", 16, 1, routers::llama4(), false, {7, false}},
          {"Llama 4 Maverick", 128, 1, routers::llama4(), false, {7, false}}};
}

LayerCase layer_of(Random& random, const Shape& shape, DType dtype) {
  LayerCase layer;
  LayerConfig& config = layer.config;
  config.hidden_size = 27;
  config.intermediate_size = 7;
  config.num_experts = shape.num_experts;
  config.top_k = shape.top_k;
  config.activation_dtype = config.weight_dtype = dtype;
  config.router = shape.router;
  config.activation.kind = shape.activation;
  config.shared_expert = shape.shared;
  fill_tensors(random, layer, false);
  const std::int64_t experts = shape.num_experts;
  const auto bias = [&](std::int64_t rows, std::int64_t columns) {
    return Tensor(normals(random, rows * columns, 0.3), dtype, {1, rows, columns});
  };
  if (shape.correction) layer.correction_bias = bias(1, experts);
  if (shape.biases) {
    layer.router_bias = bias(1, experts);
    layer.gate_up_bias = bias(experts, 2 * config.intermediate_size);
    layer.down_bias = bias(experts, config.hidden_size);
  }
  return layer;
}

}  // namespace

TEMPLATE_LIST_TEST_CASE("layers with the experts and routers of published models", "[layer]",
                        Backends) {
  Session<TestType> session;
  double worst = 0.0;
  for (const Shape& shape : shapes())
    for (const DType dtype : {DType::f32, DType::bf16, DType::f16}) {
      Random random(67);
      LayerDraw drawn;
      drawn.layer = layer_of(random, shape, dtype);
      MoeLayer<TestType> layer(session.backend, session.stream, drawn.layer.config,
                               drawn.layer.host());
      for (const std::int64_t tokens : {1, 20}) {
        INFO(shape.model << " T " << tokens << " " << name(dtype));
        do {
          drawn.call = random_call(random, drawn.layer, tokens, Routing::gate);
          drawn.expected =
              oracle::forward(drawn.layer.config, drawn.layer.reference(), drawn.call.reference());
        } while (drawn.expected.ambiguous);
        for (const bool bundle : {true, false})
          CHECK(fault(drawn,
                      run_call(session, layer, drawn.call, {bundle, Placement::slab, kPoisons[1]}),
                      worst)
                    .empty());
      }
    }
}
