// SPDX-License-Identifier: Apache-2.0
// One MoE layer with random weights, on the backend that the build chose.
#include <cstdio>
#include <random>
#include <vector>

#include "switchyard/default_backend.hpp"
#include "switchyard/moe_layer.hpp"

using namespace switchyard;

std::vector<float> random_floats(std::size_t count) {
  static std::mt19937 generator(1);
  std::normal_distribution<float> normal(0.0F, 0.3F);
  std::vector<float> values(count);
  for (float& value : values) value = normal(generator);
  return values;
}

int main() {
  const LayerConfig config{.hidden_size = 64,
                           .intermediate_size = 32,
                           .num_experts = 8,
                           .top_k = 2,
                           .router = routers::mixtral()};
  const auto gate_up = random_floats(8 * 64 * 64), down = random_floats(8 * 64 * 32);
  const auto router = random_floats(8 * 64), states = random_floats(4 * 64);
  HostMoeWeights weights;
  weights.gate_up = {std::as_bytes(std::span(gate_up)), DType::f32, {8, 64, 64}};
  weights.down = {std::as_bytes(std::span(down)), DType::f32, {8, 64, 32}};
  weights.router = {std::as_bytes(std::span(router)), DType::f32, {1, 8, 64}};

  DefaultBackend backend;
  auto stream = backend.make_stream();
  MoeLayer<DefaultBackend> layer(backend, stream, config, weights);
  const MoeScratch<DefaultBackend> scratch(backend, plan_workspace(config, /*max_tokens=*/4));

  const auto hidden = backend.allocate<float>(4 * 64), output = backend.allocate<float>(4 * 64);
  backend.upload(stream, as_writable_bytes(hidden.span()), std::as_bytes(std::span(states)));
  MoeInputs inputs;
  inputs.hidden_states = {hidden.span().data(), DType::f32, 4, 64};
  inputs.output = {output.span().data(), DType::f32, 4, 64};
  layer.forward(stream, inputs, scratch);

  std::vector<float> result(4 * 64);
  backend.download(stream, std::as_writable_bytes(std::span(result)), as_bytes(output.span()));
  backend.synchronize(stream);
  std::printf("%s\noutput[0][0] = %f\n", layer.describe(4).c_str(), double{result[0]});
}
