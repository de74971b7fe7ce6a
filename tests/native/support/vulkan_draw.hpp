// SPDX-License-Identifier: Apache-2.0
// Random layers that all bodies of the Vulkan backend can run, and their runs.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "layer/support/layer_draw.hpp"
#include "switchyard/backends/vulkan.hpp"

namespace switchyard::test {

inline Session<VulkanBackend> session_of(VulkanBodies bodies,
                                         std::size_t max_shared_bytes = SIZE_MAX) {
  VulkanOptions options;
  options.bodies = bodies;
  options.max_shared_bytes = max_shared_bytes;
  return {std::make_shared<VulkanBackend>(options)};
}

/// A layer of 16-bit elements whose extents are multiples of 8; on a GPU some with many rows per
/// expert.
inline LayerDraw draw_for_vulkan(Random& random, std::int64_t most_tokens) {
  for (;;) {
    LayerDraw drawn;
    LayerConfig& config = drawn.layer.config;
    drawn.layer = random_layer(random, {12, 12, 6, true});
    config.hidden_size *= 8;
    config.intermediate_size *= 8;
    config.activation_dtype = config.weight_dtype = random.pick({DType::bf16, DType::f16});
    if (random.chance(0.2)) config.weight_dtype = random.pick({DType::f32, DType::bf16});
    for (Tensor* tensor :
         {&drawn.layer.gate_up_bias, &drawn.layer.down_bias, &drawn.layer.router_bias,
          &drawn.layer.correction_bias, &drawn.layer.shared_gate})
      *tensor = Tensor();
    fill_tensors(random, drawn.layer, true);
    const std::int64_t tokens =
        random.in(0, random.pick({std::int64_t{3}, std::int64_t{24}, most_tokens}));
    drawn.call = random_call(random, drawn.layer, tokens,
                             random.pick({Routing::logits, Routing::preselected}));
    drawn.expected =
        oracle::forward(drawn.layer.config, drawn.layer.reference(), drawn.call.reference());
    if (drawn.expected.ambiguous) continue;
    drawn.options.block_size = random.pick({16, 32, 64});
    return drawn;
  }
}

template <class B>
Outcome run(Session<B>& session, const LayerDraw& drawn, std::byte poison) {
  MoeLayer<B> layer(session.backend, session.stream, drawn.layer.config, drawn.layer.host(),
                    drawn.options);
  return run_call(session, layer, drawn.call, {true, Placement::slab, poison});
}

/// Whether a result of the CPU overflows the activation dtype on the way: the bound says nothing
/// then. Where the CPU's are finite the oracle's have to be.
inline bool overflows(const LayerDraw& drawn, const Outcome& reference) {
  const std::vector<double> values =
      decode_all(reference.output, drawn.layer.config.activation_dtype);
  return !std::all_of(values.begin(), values.end(), [](double x) { return std::isfinite(x); });
}

}  // namespace switchyard::test
