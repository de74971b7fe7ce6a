// SPDX-License-Identifier: Apache-2.0
#include "model_shapes.hpp"

#include <array>

namespace switchyard::tools {
namespace {

LayerConfig shapes(std::int64_t hidden, std::int64_t intermediate, std::int64_t experts,
                   std::int64_t top_k, const RouterConfig& router) {
  LayerConfig config;
  config.hidden_size = hidden;
  config.intermediate_size = intermediate;
  config.num_experts = experts;
  config.top_k = top_k;
  config.router = router;
  return config;
}

std::array<ModelShape, 5> make_shapes() {
  std::array<ModelShape, 5> models{{
      {.name = "qwen3-30b-a3b", .config = shapes(2048, 768, 128, 8, routers::qwen3_moe(true))},
      {.name = "qwen3-235b-a22b", .config = shapes(4096, 1536, 128, 8, routers::qwen3_moe(true))},
      {.name = "mixtral-8x7b", .config = shapes(4096, 14336, 8, 2, routers::mixtral())},
      {.name = "deepseek-v3",
       .config = shapes(7168, 2048, 256, 8, routers::deepseek_v3(8, 4, true, 2.5F)),
       .shared_size = 2048,
       .correction_bias = true},
      {.name = "gpt-oss-120b",
       .config = shapes(2880, 2880, 128, 4, routers::gpt_oss()),
       .expert_bias = true},
  }};
  models.back().config.activation.kind = ActivationKind::swiglu_clamped;
  return models;
}

}  // namespace

std::span<const ModelShape> model_shapes() {
  static const std::array<ModelShape, 5> kModels = make_shapes();
  return kModels;
}

const ModelShape* find_model_shape(std::string_view name) {
  for (const ModelShape& model : model_shapes()) {
    if (model.name == name) {
      return &model;
    }
  }
  return nullptr;
}

std::string model_shape_names() {
  std::string names;
  for (const ModelShape& model : model_shapes()) {
    names += names.empty() ? "" : ", ";
    names += model.name;
  }
  return names;
}

}  // namespace switchyard::tools
