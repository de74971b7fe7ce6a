// SPDX-License-Identifier: Apache-2.0
// Layers and calls that the kernel of a whole layer has room for.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

#include "support/layer_case.hpp"

namespace switchyard::test {

/// Extents that the kernel has room for.
struct Extents {
  std::int64_t hidden_size, intermediate_size, num_experts, top_k;
};

/// A random layer but for its extents.
inline LayerCase random_layer_of(Random& random, const Extents& extents) {
  LayerCase layer = random_layer(random, {8, 8, extents.num_experts, false});
  LayerConfig& config = layer.config;
  config.hidden_size = extents.hidden_size;
  config.intermediate_size = extents.intermediate_size;
  config.num_experts = extents.num_experts;
  config.top_k = extents.top_k;
  config.activation_dtype = config.weight_dtype = random.pick({DType::bf16, DType::f16});
  RouterConfig router = random_router(random, config.num_experts, config.top_k);
  router.weight_site = config.router.weight_site;
  router.logits_rounding = config.router.logits_rounding;
  config.router = router;
  if (config.shared_expert.intermediate_size > 0) config.shared_expert.intermediate_size = 64;
  LayerCase filled;
  filled.config = config;
  if (random.chance(0.25)) {
    filled.config.num_local_experts = random.in(1, config.num_experts);
    filled.expert_map.assign(static_cast<std::size_t>(config.num_experts), -1);
    for (std::int64_t local = 0; local < filled.config.num_local_experts; ++local)
      filled.expert_map[static_cast<std::size_t>(local)] = static_cast<std::int32_t>(local);
    random.shuffle(std::span(filled.expert_map));
  }
  fill_tensors(random, filled, true);
  return filled;
}

/// Wide rows have few experts: filling matrices is what takes the time.
inline Extents random_extents(Random& random) {
  // Both parities of pieces along a row, one to eight stages a warp, every build of the kernel.
  const bool wide = random.chance(0.2);
  const std::int64_t hidden = wide ? random.pick<std::int64_t>({2048, 2112, 2880, 4160, 7168})
                                   : random.pick<std::int64_t>({960, 1024, 1088, 1216});
  const std::int64_t experts =
      wide ? random.in(1, 4) : (random.chance(0.8) ? random.in(1, 12) : random.in(13, 40));
  const std::int64_t top_k =
      random.chance(0.9) ? random.in(1, std::min<std::int64_t>(experts, 8)) : experts;
  const std::int64_t width = wide || experts > 6 ? 64 : 64 * random.in(1, 3);
  return {hidden, width, experts, top_k};
}

inline std::int64_t random_tokens(Random& random, const LayerConfig& config) {
  const std::int64_t most = std::min<std::int64_t>(64, 512 / config.top_k);
  return random.chance(0.2) ? random.in(std::max<std::int64_t>(0, most - 2), most)
                            : random.in(0, std::min<std::int64_t>(most, 20));
}

/// A layer with the usual router, for what is not about routing.
inline LayerCase plain_layer(Random& random, const Extents& extents) {
  LayerCase layer;
  layer.config.hidden_size = extents.hidden_size;
  layer.config.intermediate_size = extents.intermediate_size;
  layer.config.num_experts = extents.num_experts;
  layer.config.top_k = extents.top_k;
  layer.config.activation_dtype = layer.config.weight_dtype = DType::bf16;
  layer.config.router = routers::qwen3_moe(true);
  fill_tensors(random, layer, false);
  return layer;
}

inline CallCase plain_call(Random& random, const LayerCase& layer, std::int64_t tokens) {
  CallCase call = random_call(random, layer, tokens, Routing::logits);
  call.live_tokens.reset();
  return call;
}

}  // namespace switchyard::test
