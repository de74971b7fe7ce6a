// SPDX-License-Identifier: Apache-2.0
// The benchmark's oracle against the golden layers, and what its check finds.
#include <cmath>
#include <cstddef>
#include <cstring>
#include <span>
#include <string>
#include <vector>

#include "compare.hpp"
#include "elements.hpp"
#include "layer_input.hpp"
#include "layer_run.hpp"
#include "oracle.hpp"
#include "random_data.hpp"
#include "random_weights.hpp"
#include "support/catch.hpp"
#include "switchyard/checkpoint/checkpoint.hpp"
#include "tools/support/io_files.hpp"
#include "verify.hpp"

using namespace switchyard;
using namespace switchyard::tools;
using switchyard::test::golden;
using switchyard::test::golden_names;

namespace {

std::vector<float> floats_of(const HostTensor& tensor) {
  return tensor.present() ? to_floats(tensor.bytes, tensor.dtype) : std::vector<float>();
}

// hidden_states * router^T + router_bias for one token.
std::vector<float> gate_logits(const LayerConfig& config, const HostMoeWeights& weights,
                               std::span<const float> x) {
  const std::vector<float> matrix = floats_of(weights.router);
  const std::vector<float> bias = floats_of(weights.router_bias);
  std::vector<float> logits;
  for (std::size_t e = 0; e < static_cast<std::size_t>(config.num_experts); ++e) {
    double sum = bias.empty() ? 0.0 : static_cast<double>(bias[e]);
    for (std::size_t h = 0; h < x.size(); ++h) {
      sum += static_cast<double>(matrix[e * x.size() + h]) * static_cast<double>(x[h]);
    }
    logits.push_back(static_cast<float>(sum));
  }
  return logits;
}

// A small layer with random weights, run on the CPU.
struct SmallCall {
  ModelShape shape = *find_model_shape("deepseek-v3");
  std::vector<float> states;
  std::vector<float> logits;
  std::vector<float> output;
  HostPlan plan;
  std::unique_ptr<RandomWeights> weights;

  SmallCall() {
    LayerConfig& config = shape.config;
    config.hidden_size = 48;
    config.intermediate_size = 32;
    config.num_experts = 16;
    config.top_k = 3;
    constexpr std::int64_t kTokens = 6;
    weights = std::make_unique<RandomWeights>(config, shape, 1, 2);
    states = random_states(static_cast<std::size_t>(kTokens * config.hidden_size), 2);
    logits = random_logits(kTokens, config.num_experts, LogitsKind::zipf, 3);

    CpuBackend backend;
    auto stream = backend.make_stream();
    MoeLayer<CpuBackend> layer(backend, stream, config, weights->view());
    const MoeScratch<CpuBackend> scratch(backend, plan_workspace(config, kTokens));
    output.resize(states.size());
    MoeInputs inputs;
    inputs.hidden_states = {states.data(), DType::f32, kTokens, config.hidden_size};
    inputs.router_logits = {logits.data(), DType::f32, kTokens, config.num_experts};
    inputs.output = {output.data(), DType::f32, kTokens, config.hidden_size};
    const auto route = layer.forward(stream, inputs, scratch);
    plan = download_plan(backend, stream, route, config, kTokens);
  }

  [[nodiscard]] Verification verify() const {
    return verify_call({.config = shape.config,
                        .weights = weights->view(),
                        .hidden_states = states,
                        .logits = logits,
                        .output = output,
                        .plan = plan},
                       6);
  }
};

}  // namespace

TEST_CASE("the oracle gives what other implementations recorded") {
  for (const std::string& name : golden_names()) {
    INFO(name);
    const auto model = checkpoint::Model::open(golden(name));
    const IoFile io(golden(name) + "/moe_io.safetensors");
    const auto block = model.load_layer(*io.layer());
    const LayerConfig& config = block.config();
    const LayerInput input = io.read(config, *io.layer(), std::nullopt);
    const std::vector<float> bias = floats_of(block.weights().correction_bias);
    const auto hidden = static_cast<std::size_t>(config.hidden_size);
    std::vector<float> output;
    for (std::size_t t = 0; t < static_cast<std::size_t>(input.num_tokens); ++t) {
      const auto x = std::span(input.hidden_states).subspan(t * hidden, hidden);
      const OracleRoute route = oracle_route(config, gate_logits(config, block.weights(), x), bias);
      // The shared expert's gate included.
      const std::vector<double> row = oracle_output(config, block.weights(), x, route);
      output.insert(output.end(), row.begin(), row.end());
    }
    CHECK(difference(output, input.expected).rel_error < 5e-7);
  }
}

TEST_CASE("the check passes a right result and finds every kind of wrong one") {
  SmallCall call;
  const std::size_t hidden = 48;
  const Verification right = call.verify();
  CHECK(right.fault.empty());
  CHECK(right.tokens_checked == 6);
  CHECK(right.rel_error < right.bound);

  SECTION("an element of the output") {
    call.output[2 * hidden + 5] += 1e-3F;
    CHECK(call.verify().fault.find("rel_error of token 2 is") == 0);
  }
  SECTION("an output that is not finite") {
    call.output[7] = std::numeric_limits<float>::quiet_NaN();
    CHECK(call.verify().fault.find("not finite") != std::string::npos);
  }
  SECTION("two tokens exchanged") {
    std::swap_ranges(call.output.begin(), call.output.begin() + 48, call.output.begin() + 48);
    CHECK_FALSE(call.verify().fault.empty());
  }
  SECTION("an expert") {
    call.plan.selected_ids[4] = (call.plan.selected_ids[4] + 1) % 16;
    CHECK_FALSE(call.verify().fault.empty());
  }
  SECTION("a weight") {
    call.plan.pair_weights[10] *= 1.001F;
    CHECK(call.verify().fault.find("the weight of token 3") == 0);
  }
  SECTION("a row too few") {
    --call.plan.expert_offsets.back();
    CHECK(call.verify().fault.find("the plan has 17 rows, must have 18") == 0);
  }
}
