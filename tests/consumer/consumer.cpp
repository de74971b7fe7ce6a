// SPDX-License-Identifier: Apache-2.0
// A user's program: every library of the package, through public headers alone.
#include <cmath>
#include <cstdio>
#include <vector>

#include "switchyard/built_backends.hpp"
#include "switchyard/checkpoint/checkpoint.hpp"
#include "switchyard/default_backend.hpp"
#include "switchyard/error.hpp"
#include "switchyard/moe_forward.hpp"
#include "switchyard/version.hpp"

using namespace switchyard;

namespace {

/// One expert, one token: output = 3 * relu(2 * x)^2 = 12 x^2.
float square(float x) {
  const LayerConfig config{.hidden_size = 1,
                           .intermediate_size = 1,
                           .num_experts = 1,
                           .top_k = 1,
                           .activation = {.kind = ActivationKind::relu2}};
  const float two = 2.0F, three = 3.0F, one = 1.0F;
  HostMoeWeights weights;
  weights.gate_up = {std::as_bytes(std::span(&two, 1)), DType::f32, {1, 1, 1}};
  weights.down = {std::as_bytes(std::span(&three, 1)), DType::f32, {1, 1, 1}};
  weights.router = {std::as_bytes(std::span(&one, 1)), DType::f32, {1, 1, 1}};

  DefaultBackend backend;
  auto stream = backend.make_stream();
  MoeLayer<DefaultBackend> layer(backend, stream, config, weights);
  const MoeScratch<DefaultBackend> scratch(backend, plan_workspace(config, 1));
  const auto memory = backend.allocate<float>(1);
  backend.upload(stream, as_writable_bytes(memory.span()), std::as_bytes(std::span(&x, 1)));
  MoeInputs inputs;
  inputs.hidden_states = {memory.span().data(), DType::f32, 1, 1};
  inputs.output = {memory.span().data(), DType::f32, 1, 1};
  const auto bundle = scratch.route(1);
  moe_forward_bucketed(
      MoeForwardParams<DefaultBackend>{layer, stream, inputs, scratch.intermediates(), &bundle});
  float result = 0.0F;
  backend.download(stream, std::as_writable_bytes(std::span(&result, 1)), as_bytes(memory.span()));
  backend.synchronize(stream);
  return result;
}

/// Errors cross the library's boundary, shared or static, with their type.
bool refuses_a_missing_model() {
  try {
    static_cast<void>(checkpoint::Model::open("/nowhere"));
  } catch (const Error& error) {
    return error.code() == ErrorCode::io_failure;
  }
  return false;
}

}  // namespace

int main() {
  const bool right = std::abs(square(0.5F) - 3.0F) <= 1e-6F && refuses_a_missing_model() &&
                     !checkpoint::families().empty();
  std::printf("switchyard %s: %s\n", SWITCHYARD_VERSION, right ? "right" : "WRONG");
  return right ? 0 : 1;
}
