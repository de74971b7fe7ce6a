// SPDX-License-Identifier: Apache-2.0
// Bad tensors: code, exact message, and that a good layer is made afterwards.
#include <functional>
#include <string>
#include <vector>

#include "support/catch.hpp"
#include "support/run_call.hpp"
#include "switchyard/expert_matrices.hpp"
#include "validation/bad_case.hpp"

using namespace switchyard;
using namespace switchyard::test;

namespace {

/// What a row spoils: a good layer, its views and the map behind them.
struct Weights {
  LayerConfig config;
  HostMoeWeights host;
  std::vector<std::int32_t> map;
};

struct BadWeights {
  std::function<void(Weights&)> spoil;
  std::string message;
};

void use_map(Weights& w, std::vector<std::int32_t> map) {
  w.map = std::move(map);
  w.host.expert_map = w.map;
}

std::vector<BadWeights> table() {
  using W = Weights;
  return {
      {[](W& w) { w.host.gate_up = {}; }, "gate_up is absent, must be given with shape [5, 12, 8]"},
      {[](W& w) {
         w.host.gate_up.shape = {5, 6, 8};
       },
       "gate_up has shape [5, 6, 8], must be [5, 12, 8]"},
      {[](W& w) {
         w.host.gate_up.shape = {4, 12, 8};
       },
       "gate_up has shape [4, 12, 8], must be [5, 12, 8]"},
      {[](W& w) {
         w.host.gate_up.shape = {-5, 12, 8};
       },
       "gate_up has shape [-5, 12, 8], must be [5, 12, 8]"},
      {[](W& w) {
         w.host.gate_up.shape = {5, 8, 12};
       },
       "gate_up has shape [5, 8, 12], must be [5, 12, 8]"},
      {[](W& w) { w.host.gate_up.bytes = w.host.gate_up.bytes.first(1919); },
       "gate_up has 1919 bytes, must be 1920 for shape [5, 12, 8] in f32"},
      {[](W& w) { w.host.gate_up.bytes = w.host.gate_up.bytes.first(0); },
       "gate_up has 0 bytes, must be 1920 for shape [5, 12, 8] in f32"},
      {[](W& w) { w.host.gate_up.dtype = DType::bf16; },
       "gate_up has 1920 bytes, must be 960 for shape [5, 12, 8] in bf16"},
      {[](W& w) { w.host.gate_up.dtype = static_cast<DType>(7); },
       "gate_up.dtype is 7, must be an enumerator in [0, 2]"},
      {[](W& w) { w.config.activation.kind = ActivationKind::relu2; },
       "gate_up has shape [5, 12, 8], must be [5, 6, 8]"},
      {[](W& w) { w.host.down = {}; }, "down is absent, must be given with shape [5, 8, 6]"},
      {[](W& w) {
         w.host.down.shape = {5, 6, 8};
       },
       "down has shape [5, 6, 8], must be [5, 8, 6]"},
      {[](W& w) { w.host.down.bytes = w.host.down.bytes.first(4); },
       "down has 4 bytes, must be 960 for shape [5, 8, 6] in f32"},
      {[](W& w) {
         w.host.gate_up_bias.shape = {1, 5, 6};
       },
       "gate_up_bias has shape [1, 5, 6], must be [1, 5, 12]"},
      {[](W& w) {
         w.host.gate_up_bias.shape = {5, 12, 1};
       },
       "gate_up_bias has shape [5, 12, 1], must be [1, 5, 12]"},
      {[](W& w) {
         w.host.down_bias.shape = {1, 5, 12};
       },
       "down_bias has shape [1, 5, 12], must be [1, 5, 8]"},
      {[](W& w) { w.host.down_bias.bytes = w.host.down_bias.bytes.first(156); },
       "down_bias has 156 bytes, must be 160 for shape [1, 5, 8] in f32"},
      {[](W& w) {
         w.host.router.shape = {1, 8, 5};
       },
       "router has shape [1, 8, 5], must be [1, 5, 8]"},
      {[](W& w) { w.host.router.dtype = DType::f16; },
       "router has 160 bytes, must be 80 for shape [1, 5, 8] in f16"},
      {[](W& w) {
         w.host.router_bias.shape = {1, 1, 4};
       },
       "router_bias has shape [1, 1, 4], must be [1, 1, 5]"},
      {[](W& w) { w.host.router = {}; },
       "router_bias is given, must be absent where router is absent"},
      {[](W& w) {
         w.host.correction_bias.shape = {1, 5, 1};
       },
       "correction_bias has shape [1, 5, 1], must be [1, 1, 5]"},
      {[](W& w) { w.host.shared_gate_up = {}; },
       "shared_gate_up is absent, must be given with shape [1, 8, 8]"},
      {[](W& w) {
         w.host.shared_gate_up.shape = {1, 4, 8};
       },
       "shared_gate_up has shape [1, 4, 8], must be [1, 8, 8]"},
      {[](W& w) { w.host.shared_down = {}; },
       "shared_down is absent, must be given with shape [1, 8, 4]"},
      {[](W& w) {
         w.host.shared_down.shape = {1, 4, 8};
       },
       "shared_down has shape [1, 4, 8], must be [1, 8, 4]"},
      {[](W& w) { w.host.shared_gate = {}; },
       "shared_gate is absent, must be given with shape [1, 1, 8]"},
      {[](W& w) {
         w.host.shared_gate.shape = {1, 8, 1};
       },
       "shared_gate has shape [1, 8, 1], must be [1, 1, 8]"},
      {[](W& w) { w.config.shared_expert.gated = false; },
       "shared_gate is given, must be absent where shared_expert.gated is false"},
      {[](W& w) { w.config.shared_expert = {}; },
       "shared_gate_up is given, must be absent where shared_expert.intermediate_size is 0"},
      {[](W& w) {
         w.config.shared_expert = {};
         w.host.shared_gate_up = {};
       },
       "shared_down is given, must be absent where shared_expert.intermediate_size is 0"},
      {[](W& w) { w.config.num_local_experts = 4; },
       "gate_up has shape [5, 12, 8], must be [4, 12, 8]"},
      {[](W& w) {
         use_map(w, {0, 1, 2, 3});
       },
       "expert_map has 4 entries, must have num_experts = 5"},
      {[](W& w) {
         use_map(w, {0, 1, 2, 3, 4, -1});
       },
       "expert_map has 6 entries, must have num_experts = 5"},
      {[](W& w) {
         use_map(w, {0, 1, 2, 3, 5});
       },
       "expert_map[4] is 5, must be in [-1, num_local_experts = 5)"},
      {[](W& w) {
         use_map(w, {-2, 1, 2, 3, 4});
       },
       "expert_map[0] is -2, must be in [-1, num_local_experts = 5)"},
      {[](W& w) {
         use_map(w, {0, 1, 2147483647, 3, 4});
       },
       "expert_map[2] is 2147483647, must be in [-1, num_local_experts = 5)"},
  };
}

}  // namespace

TEMPLATE_LIST_TEST_CASE("bad tensors are refused when the layer is made", "[validation]",
                        Backends) {
  Session<TestType> session;
  LayerCase good;
  good.config.hidden_size = 8;
  good.config.intermediate_size = 6;
  good.config.num_experts = 5;
  good.config.top_k = 2;
  good.config.shared_expert = {4, true};
  const auto tensor = [](std::int64_t a, std::int64_t b, std::int64_t c) {
    Random random(static_cast<std::uint64_t>(113 + a + b + c));
    return Tensor(normals(random, a * b * c), DType::f32, {a, b, c});
  };
  good.gate_up = tensor(5, 12, 8);
  good.down = tensor(5, 8, 6);
  good.gate_up_bias = tensor(1, 5, 12);
  good.down_bias = tensor(1, 5, 8);
  good.router = tensor(1, 5, 8);
  good.router_bias = tensor(1, 1, 5);
  good.correction_bias = tensor(1, 1, 5);
  good.shared_gate_up = tensor(1, 8, 8);
  good.shared_down = tensor(1, 8, 4);
  good.shared_gate = tensor(1, 1, 8);
  Random random(114);
  const CallCase call = random_call(random, good, 3, Routing::gate);
  const auto run = [&] {
    MoeLayer<TestType> layer(session.backend, session.stream, good.config, good.host());
    return run_call(session, layer, call).output;
  };
  const std::vector<std::byte> expected = run();
  CHECK(table().size() >= 37);
  for (const BadWeights& row : table()) {
    INFO(row.message);
    Weights weights{good.config, good.host(), {}};
    row.spoil(weights);
    expect_error(
        [&] { MoeLayer<TestType>(session.backend, session.stream, weights.config, weights.host); },
        ErrorCode::invalid_argument, row.message);
    CHECK(run() == expected);
  }
  Weights unmapped{good.config, good.host(), {}};
  unmapped.config.num_local_experts = 4;
  unmapped.host.gate_up.shape[0] = 4;
  unmapped.host.gate_up.bytes = unmapped.host.gate_up.bytes.first(1536);
  unmapped.host.down.shape[0] = 4;
  unmapped.host.down.bytes = unmapped.host.down.bytes.first(768);
  unmapped.host.gate_up_bias = unmapped.host.down_bias = {};
  expect_error(
      [&] { MoeLayer<TestType>(session.backend, session.stream, unmapped.config, unmapped.host); },
      ErrorCode::invalid_argument,
      "expert_map is empty, must have num_experts = 5 entries where num_local_experts = 4");
}

TEMPLATE_LIST_TEST_CASE("weights that cannot be borrowed are refused", "[validation]", Backends) {
  Session<TestType> session;
  Random random(115);
  LayerCase layer;
  layer.config.hidden_size = 8;
  layer.config.intermediate_size = 6;
  layer.config.num_experts = 5;
  layer.config.top_k = 2;
  layer.config.weight_dtype = DType::bf16;
  layer.config.shared_expert = {4, false};
  fill_tensors(random, layer, false);
  LayerOptions options;
  options.weight_storage = WeightStorage::borrowed;
  const auto expect = [&](const std::string& message) {
    expect_error(
        [&] {
          MoeLayer<TestType>(session.backend, session.stream, layer.config, layer.host(), options);
        },
        ErrorCode::invalid_argument, message);
  };
  if constexpr (BorrowingBackend<TestType>) {
    Tensor* const tensors[] = {&layer.gate_up, &layer.down, &layer.shared_gate_up,
                               &layer.shared_down};
    for (Tensor* tensor : tensors)
      *tensor = Tensor(tensor->values(), DType::bf16, tensor->view().shape);
    const char* const names[] = {"gate_up", "down", "shared_gate_up", "shared_down"};
    for (std::size_t i = 0; i < 4; ++i) {
      const Tensor good = *tensors[i];
      *tensors[i] = Tensor(good.values(), DType::f32, good.view().shape);
      expect(std::string(names[i]) +
             ".dtype is f32, must be weight_dtype = bf16 where options.weight_storage is borrowed");
      *tensors[i] = good;
    }
    MoeLayer<TestType>(session.backend, session.stream, layer.config, layer.host(), options);
  } else {
    expect("options.weight_storage is borrowed, must be copied: backend " +
           std::string(TestType::kName) + " cannot read host memory");
  }
}
