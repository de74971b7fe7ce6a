// SPDX-License-Identifier: Apache-2.0
// Runs one small forward on the HIP backend, eagerly and as a replayed graph, and compares it with
// the CPU backend: the plan bit by bit, the output by a bound. Ends with 77 where there is no
// device.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>
#include <random>
#include <span>
#include <vector>

#include "switchyard/backends/cpu.hpp"
#include "switchyard/backends/hip.hpp"
#include "switchyard/error.hpp"
#include "switchyard/moe_layer.hpp"

namespace {

using namespace switchyard;

constexpr std::int64_t kTokens = 37, kHidden = 96, kIntermediate = 40, kExperts = 24, kTopK = 4;
constexpr int kSkipped = 77;

std::vector<float> random_floats(std::int64_t count, unsigned seed) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> normal(0.0F, 0.3F);
  std::vector<float> values(static_cast<std::size_t>(count));
  for (float& value : values) value = normal(generator);
  return values;
}

HostTensor tensor(const std::vector<float>& values, std::int64_t matrices, std::int64_t rows,
                  std::int64_t cols) {
  return {std::as_bytes(std::span(values)), DType::f32, {matrices, rows, cols}};
}

/// A layer, its weights and its input, the same for every backend.
struct Case {
  LayerConfig config{.hidden_size = kHidden,
                     .intermediate_size = kIntermediate,
                     .num_experts = kExperts,
                     .top_k = kTopK,
                     .router = routers::mixtral()};
  std::vector<float> gate_up = random_floats(kExperts * 2 * kIntermediate * kHidden, 1);
  std::vector<float> down = random_floats(kExperts * kHidden * kIntermediate, 2);
  std::vector<float> router = random_floats(kExperts * kHidden, 3);
  std::vector<float> hidden_states = random_floats(kTokens * kHidden, 4);  // [T, H]

  [[nodiscard]] HostMoeWeights weights() const {
    HostMoeWeights result;
    result.gate_up = tensor(gate_up, kExperts, 2 * kIntermediate, kHidden);
    result.down = tensor(down, kExperts, kHidden, kIntermediate);
    result.router = tensor(router, 1, kExperts, kHidden);
    return result;
  }
};

struct Result {
  std::vector<ExpertId> selected_ids, block_ids;
  std::vector<PackedRow> pairs_by_token, expert_offsets, sorted_tokens;
  std::vector<TokenIndex> packed_token_idx;
  std::vector<float> pair_weights, output;

  [[nodiscard]] bool same_plan(const Result& other) const {
    return selected_ids == other.selected_ids && block_ids == other.block_ids &&
           pairs_by_token == other.pairs_by_token && expert_offsets == other.expert_offsets &&
           sorted_tokens == other.sorted_tokens && packed_token_idx == other.packed_token_idx;
  }
};

template <class B, class T>
std::vector<std::remove_const_t<T>> to_host(B& backend, typename B::Stream& stream,
                                            DeviceSpan<T> span) {
  std::vector<std::remove_const_t<T>> values(span.size());
  backend.download(stream, std::as_writable_bytes(std::span(values)), as_bytes(span));
  backend.synchronize(stream);
  return values;
}

template <class B>
DeviceMatrix matrix(const typename B::template Buffer<float>& buffer) {
  return {buffer.span().data(), DType::f32, kTokens, kHidden};
}

template <class B>
Result run(const Case& given, bool captured) {
  B backend;
  auto stream = backend.make_stream();
  MoeLayer<B> layer(backend, stream, given.config, given.weights());
  const MoeScratch<B> scratch(backend, plan_workspace(given.config, kTokens));
  const auto hidden_states = backend.template allocate<float>(given.hidden_states.size());
  const auto output = backend.template allocate<float>(given.hidden_states.size());
  backend.fill(stream, as_writable_bytes(output.span()), std::byte{0xff});
  backend.upload(stream, as_writable_bytes(hidden_states.span()),
                 std::as_bytes(std::span(given.hidden_states)));
  backend.synchronize(stream);

  MoeInputs inputs;
  inputs.hidden_states = matrix<B>(hidden_states);
  inputs.output = matrix<B>(output);
  const auto forward = [&] { static_cast<void>(layer.forward(stream, inputs, scratch)); };
  if (captured) {
    const auto graph = backend.capture(stream, forward);
    backend.replay(stream, graph);
    backend.replay(stream, graph);
    backend.synchronize(stream);
  } else {
    forward();
  }

  const DeviceRouteScratch<B> plan = scratch.route(kTokens);
  Result result;
  result.selected_ids = to_host(backend, stream, plan.selected_ids);
  result.block_ids = to_host(backend, stream, plan.block_ids);
  result.pairs_by_token = to_host(backend, stream, plan.pairs_by_token);
  result.expert_offsets = to_host(backend, stream, plan.expert_offsets);
  result.sorted_tokens = to_host(backend, stream, plan.sorted_tokens);
  result.packed_token_idx = to_host(backend, stream, plan.packed_token_idx);
  result.pair_weights = to_host(backend, stream, plan.pair_weights);
  result.output = to_host(backend, stream, output.span());
  return result;
}

/// Whether the two agree; prints what it finds. The bound on an output is that of its sums, over H,
/// I and K terms in turn, relative to the largest output.
bool agree(const char* what, const Result& expected, const Result& actual) {
  float largest = 0.0F, worst = 0.0F;
  bool finite = true;
  for (std::size_t i = 0; i < expected.output.size(); ++i) {
    largest = std::max(largest, std::abs(expected.output[i]));
    worst = std::max(worst, std::abs(expected.output[i] - actual.output[i]));
    finite = finite && std::isfinite(actual.output[i]);
  }
  const float bound = static_cast<float>(kHidden + kIntermediate + kTopK) *
                      std::numeric_limits<float>::epsilon() * largest;
  const bool plan = expected.same_plan(actual);
  const bool weights = expected.pair_weights == actual.pair_weights;
  std::printf("%s: plan %s, pair_weights %s, output off by %g of %g\n", what,
              plan ? "equal" : "DIFFERS", weights ? "equal" : "DIFFER", static_cast<double>(worst),
              static_cast<double>(bound));
  return plan && weights && finite && worst <= bound;
}

}  // namespace

int main() {
  try {
    const DeviceList list = HipBackend::devices();
    if (list.devices.empty()) {
      std::printf("hip: no device: %s\n", list.reason.c_str());
      return kSkipped;
    }
    std::printf("hip: %s\n", list.devices.front().name.c_str());
    const Case given;
    const Result expected = run<CpuBackend>(given, false);
    const bool eager = agree("eager", expected, run<HipBackend>(given, false));
    const bool replayed = agree("replayed", expected, run<HipBackend>(given, true));
    return eager && replayed ? 0 : 1;
  } catch (const Error& error) {
    std::printf("error: %s\n", error.what());
    return 1;
  }
}
