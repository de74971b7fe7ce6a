// SPDX-License-Identifier: Apache-2.0
// CUDA's tuned bodies on memory that is not aligned, again and again, and beyond 2^31 elements.
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <type_traits>
#include <vector>

#include "support/catch.hpp"
#include "support/run_call.hpp"
#include "support/scale.hpp"
#include "switchyard/backends/cuda.hpp"
#include "switchyard/half.hpp"

using namespace switchyard;
using namespace switchyard::test;

namespace {

/// A layer that the tuned bodies take, without a shared expert and expert map.
LayerCase tuned_layer(Random& random, std::int64_t hidden, std::int64_t intermediate) {
  LayerCase layer;
  LayerConfig& config = layer.config;
  config.hidden_size = hidden;
  config.intermediate_size = intermediate;
  config.num_experts = 12;
  config.top_k = 3;
  config.activation_dtype = config.weight_dtype = random.pick({DType::bf16, DType::f16});
  config.activation.kind = random.pick({ActivationKind::swiglu, ActivationKind::swiglu_clamped,
                                        ActivationKind::relu2, ActivationKind::geglu_tanh});
  fill_tensors(random, layer, true);
  return layer;
}

/// Memory of one buffer, at an address that is aligned to its elements alone.
class Unaligned {
 public:
  Unaligned(Session<CudaBackend>& session, std::size_t size)
      : memory_(session.backend.allocate<std::byte>(size + 2)) {}
  [[nodiscard]] DeviceSpan<std::byte> span() const {
    return memory_.span().subspan(2, memory_.size() - 2);
  }

 private:
  CudaBackend::Buffer<std::byte> memory_;
};

void check_unaligned() {
  Session<CudaBackend> session;
  for (std::uint64_t seed = 0; seed < 12; ++seed) {
    INFO("seed " << seed);
    Random random(700 + seed);
    const LayerCase layer_case = tuned_layer(random, 200, 136);
    const LayerConfig& config = layer_case.config;
    CallCase call = random_call(random, layer_case, 150, Routing::gate);
    call.residual = Tensor();
    call.residual_is_output = call.output_is_hidden_states = false;
    MoeLayer<CudaBackend> layer(session.backend, session.stream, config, layer_case.host());
    const Outcome expected = run_call(session, layer, call);

    CallMemory<CudaBackend> memory(session, config, call, Placement::slab, kPoisons[0]);
    MoeIntermediates<CudaBackend> intermediates = memory.intermediates();
    const Unaligned hidden(session, call.hidden_states.bytes().size());
    const Unaligned output(session, call.hidden_states.bytes().size());
    const Unaligned activated(session, intermediates.activated.size());
    const Unaligned rows(session, intermediates.expert_rows.size());
    session.backend.upload(session.stream, hidden.span(), call.hidden_states.bytes());
    MoeInputs inputs = memory.inputs();
    inputs.hidden_states.data = hidden.span().data();
    inputs.output.data = output.span().data();
    intermediates.activated = activated.span();
    intermediates.expert_rows = rows.span();
    layer.forward(session.stream, inputs, intermediates, &memory.route());
    CHECK(session.download(output.span()) == expected.output);
  }
}

void check_repeats() {
  Session<CudaBackend> session;
  Random random(741);
  const LayerCase layer_case = tuned_layer(random, 256, 192);
  const CallCase call = random_call(random, layer_case, 700, Routing::gate);
  MoeLayer<CudaBackend> layer(session.backend, session.stream, layer_case.config,
                              layer_case.host());
  const Outcome first = run_call(session, layer, call);
  CallMemory<CudaBackend> memory(session, layer_case.config, call, Placement::slab, kPoisons[2]);
  std::int64_t different = 0;
  for (std::int64_t i = 0; i < scaled(1000); ++i) {
    memory.rewrite(call);
    layer.forward(session.stream, memory.inputs(), memory.intermediates(), &memory.route());
    different += memory.output() == first.output ? 0 : 1;
  }
  CHECK(different == 0);
}

/// bf16 numbers of magnitude 2^-7 to 2^-6.
std::vector<bf16> small_numbers(std::int64_t count, std::uint64_t seed) {
  std::vector<bf16> numbers(static_cast<std::size_t>(count));
  Random random(seed);
  std::uint64_t bits = 0;
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    if (i % 8 == 0) bits = random.bits();
    numbers[i].bits = static_cast<std::uint16_t>(0x3c00U | (bits & 0x807fU));
    bits >>= 8U;
  }
  return numbers;
}

HostTensor view(const std::vector<bf16>& numbers, std::array<std::int64_t, 3> shape) {
  return {std::as_bytes(std::span(numbers)), DType::bf16, shape};
}

/// More than 2^31 elements of gate_up and of expert rows; sampled tokens against double.
void check_large() {
  constexpr std::int64_t kHidden = 8192;
  constexpr std::int64_t kWidth = 1024;
  constexpr std::int64_t kExperts = 144;
  constexpr std::int64_t kTopK = 8;
  constexpr std::int64_t kTokens = 33'000;
  static_assert(kExperts * 2 * kWidth * kHidden > (std::int64_t{1} << 31U));
  static_assert(kTokens * kTopK * kHidden > (std::int64_t{1} << 31U));
  LayerConfig config;
  config.hidden_size = kHidden;
  config.intermediate_size = kWidth;
  config.num_experts = kExperts;
  config.top_k = kTopK;
  config.activation_dtype = config.weight_dtype = DType::bf16;
  const std::vector<bf16> gate_up = small_numbers(kExperts * 2 * kWidth * kHidden, 1);
  const std::vector<bf16> down = small_numbers(kExperts * kHidden * kWidth, 2);
  HostMoeWeights weights;
  weights.gate_up = view(gate_up, {kExperts, 2 * kWidth, kHidden});
  weights.down = view(down, {kExperts, kHidden, kWidth});
  Session<CudaBackend> session;
  MoeLayer<CudaBackend> layer(session.backend, session.stream, config, weights);

  std::vector<bf16> states(static_cast<std::size_t>(kTokens * kHidden));
  std::vector<ExpertId> ids(static_cast<std::size_t>(kTokens * kTopK));
  std::vector<float> pair_weights(ids.size());
  Random random(3);
  for (bf16& state : states) state = bf16(static_cast<float>(random.uniform(-1.7, 1.7)));
  for (std::size_t p = 0; p < ids.size(); ++p) {
    ids[p] = ExpertId{static_cast<std::int32_t>(random.in(0, kExperts - 1))};
    pair_weights[p] = static_cast<float>(random.uniform(0.0, 0.25));
  }
  ids.back() = ExpertId{kExperts - 1};
  const auto device_states = session.backend.allocate<bf16>(states.size());
  const auto device_ids = session.backend.allocate<ExpertId>(ids.size());
  const auto device_weights = session.backend.allocate<float>(ids.size());
  session.upload(device_states.span(), states);
  session.upload(device_ids.span(), ids);
  session.upload(device_weights.span(), pair_weights);
  const MoeScratch<CudaBackend> scratch(session.backend, plan_workspace(config, kTokens));
  const auto output = session.backend.allocate<bf16>(states.size());
  MoeInputs inputs;
  inputs.hidden_states = {device_states.span().data(), DType::bf16, kTokens, kHidden};
  inputs.selected_ids = device_ids.span();
  inputs.pair_weights = device_weights.span();
  inputs.output = {output.span().data(), DType::bf16, kTokens, kHidden};
  layer.forward(session.stream, inputs, scratch);
  const std::vector<bf16> got = session.download(output.span());

  double error = 0.0;
  double norm = 0.0;
  const auto value = [](const std::vector<bf16>& from, std::int64_t i) {
    return static_cast<double>(static_cast<float>(from[static_cast<std::size_t>(i)]));
  };
  for (const std::int64_t t : {std::int64_t{0}, kTokens / 3, kTokens - 2, kTokens - 1}) {
    std::vector<double> sum(kHidden);
    for (std::int64_t k = 0; k < kTopK; ++k) {
      const auto pair = static_cast<std::size_t>(t * kTopK + k);
      const std::int64_t e = value_of(ids[pair]);
      std::vector<double> activated(kWidth);
      for (std::int64_t f = 0; f < kWidth; ++f) {
        double product[2] = {};
        for (std::int64_t which = 0; which < 2; ++which)
          for (std::int64_t h = 0; h < kHidden; ++h)
            product[which] += value(states, t * kHidden + h) *
                              value(gate_up, ((e * 2 + which) * kWidth + f) * kHidden + h);
        activated[static_cast<std::size_t>(f)] =
            product[0] / (1.0 + std::exp(-product[0])) * product[1];
      }
      for (std::int64_t h = 0; h < kHidden; ++h) {
        double row = 0.0;
        for (std::int64_t f = 0; f < kWidth; ++f)
          row +=
              activated[static_cast<std::size_t>(f)] * value(down, (e * kHidden + h) * kWidth + f);
        sum[static_cast<std::size_t>(h)] += static_cast<double>(pair_weights[pair]) * row;
      }
    }
    for (std::int64_t h = 0; h < kHidden; ++h) {
      const double exact = sum[static_cast<std::size_t>(h)];
      const double off = value(got, t * kHidden + h) - exact;
      error += off * off;
      norm += exact * exact;
    }
  }
  CHECK(std::sqrt(error / norm) <= 8e-3);
}

}  // namespace

TEMPLATE_LIST_TEST_CASE("cuda: memory that is aligned to its elements alone gives the same bits",
                        "[native][tuned_cuda]", Backends) {
  if constexpr (std::is_same_v<TestType, CudaBackend>) {
    check_unaligned();
  } else {
    SUCCEED("another backend");
  }
}

TEMPLATE_LIST_TEST_CASE("cuda: a thousand forwards give the same bits", "[native][tuned_cuda]",
                        Backends) {
  if constexpr (std::is_same_v<TestType, CudaBackend>) {
    check_repeats();
  } else {
    SUCCEED("another backend");
  }
}

// Takes 16 GB of host memory, and 15 of the device.
TEMPLATE_LIST_TEST_CASE("cuda: more than 2^31 elements of weights and of expert rows", "[.large]",
                        Backends) {
  if constexpr (std::is_same_v<TestType, CudaBackend>) {
    check_large();
  } else {
    SUCCEED("another backend");
  }
}
