// SPDX-License-Identifier: Apache-2.0
// A row's result on the CPU does not depend on the other rows of its expert: bodies choose how to
// multiply by how many there are.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "support/catch.hpp"
#include "support/cpu_bodies.hpp"
#include "support/run_call.hpp"

using namespace switchyard;
using namespace switchyard::test;

namespace {

struct Extents {
  std::int64_t hidden_size, intermediate_size, num_tokens;
};

/// One expert that every token goes to, without biases.
LayerCase one_expert(Random& random, const Extents& extents, DType dtype,
                     ActivationKind activation) {
  LayerCase layer;
  layer.config.hidden_size = extents.hidden_size;
  layer.config.intermediate_size = extents.intermediate_size;
  layer.config.num_experts = 1;
  layer.config.top_k = 1;
  layer.config.activation_dtype = dtype;
  layer.config.weight_dtype = dtype;
  layer.config.activation.kind = activation;
  fill_tensors(random, layer, false);
  return layer;
}

/// Products of up lie around the smallest normal number of f32, above and below; down makes them
/// numbers that an output shows.
void bring_near_subnormal(LayerCase& layer) {
  const auto scaled_from = [](const Tensor& tensor, std::size_t first, double scale) {
    std::vector<double> values = tensor.values();
    for (std::size_t i = first; i < values.size(); ++i) values[i] *= scale;
    return Tensor(std::move(values), DType::f32, tensor.view().shape);  // f16 has no room
  };
  layer.gate_up =
      scaled_from(layer.gate_up, layer.gate_up.values().size() / 2, std::ldexp(1, -122));
  layer.down = scaled_from(layer.down, 0, std::ldexp(1, 110));
}

/// Every token is live, and nothing is added to what the layer computes.
CallCase plain_call(Random& random, const LayerCase& layer, std::int64_t num_tokens) {
  CallCase call;
  call.num_tokens = num_tokens;
  call.hidden_states =
      Tensor(normals(random, num_tokens * layer.config.hidden_size), layer.config.activation_dtype,
             {num_tokens, layer.config.hidden_size, 1});
  return call;
}

CallCase first_tokens(const LayerCase& layer, const CallCase& call, std::int64_t count) {
  CallCase first = call;
  std::vector<double> states = call.hidden_states.values();
  states.resize(static_cast<std::size_t>(count * layer.config.hidden_size));
  first.num_tokens = count;
  first.hidden_states =
      Tensor(std::move(states), call.hidden_states.dtype(), {count, layer.config.hidden_size, 1});
  return first;
}

void check_rows(const LayerCase& layer, const CallCase& call, CpuBodies bodies) {
  Session<CpuBackend> session{make_cpu(bodies)};
  MoeLayer<CpuBackend> moe(session.backend, session.stream, layer.config, layer.host());
  const Outcome all = run_call(session, moe, call);
  const std::vector<double> values = decode_all(all.output, layer.config.activation_dtype);
  CHECK(std::count_if(values.begin(), values.end(), [](double x) {
          return std::isfinite(x) && x != 0.0;
        }) > static_cast<std::ptrdiff_t>(values.size() / 2));
  for (const std::int64_t count : {1, 2, 3, 4, 5, 7, 12, 13, 17, 33}) {
    if (count >= call.num_tokens) break;
    INFO(count << " tokens");
    const Outcome some = run_call(session, moe, first_tokens(layer, call, count));
    CHECK(std::equal(some.output.begin(), some.output.end(), all.output.begin()));
  }
}

}  // namespace

TEST_CASE("a row's bits do not depend on how many rows its expert has", "[tuned]") {
  // No extent is a whole number of steps, of panels or of groups of panels. Then rows wider than
  // what any body holds of few rows at a time, in gate_up and in down.
  const Extents all[] = {{330, 211, 200}, {8330, 23, 18}, {23, 8330, 18}};
  for (const Extents& extents : all)
    for (const CpuBodies bodies : all_bodies())
      for (const DType dtype : {DType::f32, DType::bf16, DType::f16}) {
        INFO(name(bodies) << " " << name(dtype) << " H " << extents.hidden_size);
        Random random(77'000);
        LayerCase layer = one_expert(random, extents, dtype, ActivationKind::swiglu);
        const CallCase call = plain_call(random, layer, extents.num_tokens);
        check_rows(layer, call, bodies);
        if (dtype == DType::f16) continue;  // it has no numbers near those
        bring_near_subnormal(layer);
        check_rows(layer, call, bodies);
      }
}

TEST_CASE("a row's bits do not depend on other rows whatever the activation", "[tuned]") {
  for (const CpuBodies bodies : all_bodies())
    for (const ActivationKind activation :
         {ActivationKind::swiglu_clamped, ActivationKind::geglu_tanh, ActivationKind::geglu_erf,
          ActivationKind::relu2}) {
      INFO(name(bodies) << " " << name(activation));
      Random random(77'100);
      const LayerCase layer = one_expert(random, {70, 83, 34}, DType::bf16, activation);
      check_rows(layer, plain_call(random, layer, 34), bodies);
    }
}
