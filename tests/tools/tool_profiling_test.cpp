// SPDX-License-Identifier: Apache-2.0
// The profiled backend: it measures what the other runs, and changes nothing.
#include <string>
#include <vector>

#include "layer_input.hpp"
#include "layer_run.hpp"
#include "model_shapes.hpp"
#include "profiling_backend.hpp"
#include "random_data.hpp"
#include "random_weights.hpp"
#include "support/catch.hpp"

using namespace switchyard;
using namespace switchyard::tools;

namespace {

LayerConfig small_config() {
  LayerConfig config = find_model_shape("qwen3-30b-a3b")->config;
  config.hidden_size = 32;
  config.intermediate_size = 16;
  config.num_experts = 8;
  config.top_k = 2;
  return config;
}

std::vector<std::string> names_of(const std::vector<LaunchTime>& launches) {
  std::vector<std::string> names;
  for (const LaunchTime& launch : launches) {
    CHECK(launch.microseconds >= 0.0);
    names.emplace_back(launch.stage);
  }
  return names;
}

}  // namespace

TEST_CASE("a profile has every launch of a call, in order, and only while it is on") {
  using P = ProfilingBackend<CpuBackend>;
  constexpr std::int64_t kTokens = 5;
  const LayerConfig config = small_config();
  const RandomWeights weights(config, {.name = "small", .config = config}, 1, 1);
  std::vector<float> states =
      random_states(static_cast<std::size_t>(kTokens * config.hidden_size), 2);
  std::vector<float> logits = random_logits(kTokens, config.num_experts, LogitsKind::normal, 3);
  const auto inputs_for = [&](std::vector<float>& output) {
    output.assign(states.size(), 0.0F);
    MoeInputs inputs;
    inputs.hidden_states = {states.data(), DType::f32, kTokens, config.hidden_size};
    inputs.router_logits = {logits.data(), DType::f32, kTokens, config.num_experts};
    inputs.output = {output.data(), DType::f32, kTokens, config.hidden_size};
    return inputs;
  };
  CpuBackend plain;

  std::vector<float> expected;
  {
    auto stream = plain.make_stream();
    MoeLayer<CpuBackend> layer(plain, stream, config, weights.view());
    const MoeScratch<CpuBackend> scratch(plain, plan_workspace(config, kTokens));
    layer.forward(stream, inputs_for(expected), scratch);
    plain.synchronize(stream);
  }

  P backend(plain);
  auto stream = backend.make_stream();
  MoeLayer<P> layer(backend, stream, config, weights.view());
  const MoeScratch<P> scratch(backend, plan_workspace(config, kTokens));
  std::vector<float> output;
  const MoeInputs inputs = inputs_for(output);
  const std::vector<std::string> all{"route", "plan", "gate_up", "down", "combine"};

  layer.forward(stream, inputs, scratch);
  CHECK(backend.finish_profile(stream).empty());
  CHECK(output == expected);

  for (int round = 0; round < 2; ++round) {
    backend.start_profile();
    layer.forward(stream, inputs, scratch);
    CHECK(names_of(backend.finish_profile(stream)) == all);
    CHECK(output == expected);
  }

  // What is captured is not measured; its replay gives the same.
  backend.start_profile();
  const auto graph = backend.capture(stream, [&] { layer.forward(stream, inputs, scratch); });
  output.assign(output.size(), 0.0F);
  backend.replay(stream, graph);
  CHECK(backend.finish_profile(stream).empty());
  CHECK(output == expected);
}
