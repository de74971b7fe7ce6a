// SPDX-License-Identifier: Apache-2.0
// A graph replayed many times with other inputs and other numbers of live tokens. The device adds
// every output to a running sum, so that one wrong element in one replay shows in the sum.
#include <array>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <string>
#include <vector>

#include "kernels/combine/params.hpp"
#include "support/catch.hpp"
#include "support/run_call.hpp"
#include "support/scale.hpp"

using namespace switchyard;
using namespace switchyard::test;

namespace {

constexpr std::int64_t kTokens = 8;
constexpr std::size_t kInputs = 16;

/// sum += rows, element by element, by the combine stage: rows stand for a shared expert's.
template <class B>
void enqueue_sum(Session<B>& session, DeviceSpan<float> sum, DeviceSpan<const float> rows,
                 DeviceSpan<const PackedRow> skipped) {
  kernels::CombineParams params{};
  params.pairs_by_token = skipped.data();
  params.shared_rows = rows.data();
  params.residual = sum.data();
  params.output = sum.data();
  params.num_tokens = 1;
  params.top_k = 1;
  params.hidden_size = static_cast<std::int32_t>(sum.size());
  session.backend.template launch<kernels::Combine>(session.stream, typename B::LaunchConfig{},
                                                    params);
}

/// Resident memory of this process, in KiB; 0 where the system does not tell.
std::int64_t resident_kib() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("VmRSS:")) return std::stoll(line.substr(6));
  return 0;
}

LayerCase soak_layer(Random& random) {
  LayerCase layer;
  layer.config.hidden_size = 40;
  layer.config.intermediate_size = 24;
  layer.config.num_experts = 16;
  layer.config.top_k = 4;
  layer.config.activation_dtype = DType::f32;
  layer.config.weight_dtype = DType::bf16;
  fill_tensors(random, layer, false);
  return layer;
}

}  // namespace

TEMPLATE_LIST_TEST_CASE("every one of many replays is right", "[soak]", Backends) {
  Session<TestType> session;
  TestType& backend = session.backend;
  Random random(93);
  const LayerCase layer_case = soak_layer(random);
  MoeLayer<TestType> layer(backend, session.stream, layer_case.config, layer_case.host());

  // The inputs in device memory, each with the number of its tokens that are alive.
  const auto elements = static_cast<std::size_t>(kTokens * layer_case.config.hidden_size);
  std::vector<CallCase> calls;
  auto states = backend.template allocate<float>(kInputs * elements);
  auto live = backend.template allocate<std::int32_t>(kInputs);
  std::array<std::vector<float>, kInputs> outputs;
  for (std::size_t i = 0; i < kInputs; ++i) {
    CallCase call = random_call(random, layer_case, kTokens, Routing::gate);
    call.residual = Tensor();
    call.residual_is_output = call.output_is_hidden_states = false;
    call.live_tokens = static_cast<std::int32_t>(random.in(0, kTokens));
    const oracle::Result expected =
        oracle::forward(layer_case.config, layer_case.reference(), call.reference());
    const Outcome outcome = run_call(session, layer, call);
    REQUIRE(
        (expected.ambiguous || worst_error(outcome.output, DType::f32, expected.output) <= 1.0));
    for (const double value : decode_all(outcome.output, DType::f32))
      outputs[i].push_back(static_cast<float>(value));
    backend.upload(session.stream, as_writable_bytes(states.span().subspan(i * elements, elements)),
                   call.hidden_states.bytes());
    backend.upload(session.stream, as_writable_bytes(live.span().subspan(i, 1)),
                   std::as_bytes(std::span(&*call.live_tokens, 1)));
    backend.synchronize(session.stream);
    calls.push_back(std::move(call));
  }

  auto skipped = backend.template allocate<PackedRow>(1);
  auto sum = backend.template allocate<float>(elements);
  backend.fill(session.stream, as_writable_bytes(skipped.span()), std::byte{0xff});
  backend.fill(session.stream, as_writable_bytes(sum.span()), std::byte{0});
  CallMemory<TestType> memory(session, layer_case.config, calls[0], Placement::slab, kPoisons[1]);
  backend.synchronize(session.stream);
  const MoeInputs& inputs = memory.inputs();
  const DeviceSpan<float> input(
      const_cast<float*>(static_cast<const float*>(inputs.hidden_states.data)), elements);
  const DeviceSpan<const float> output(static_cast<const float*>(inputs.output.data), elements);
  const auto graph = backend.capture(session.stream, [&] {
    static_cast<void>(
        layer.forward(session.stream, inputs, memory.intermediates(), &memory.route()));
    enqueue_sum(session, sum.span(), output, DeviceSpan<const PackedRow>(skipped.span()));
  });

  std::vector<float> expected(elements, 0.0F);
  std::int64_t resident = 0;
  // An emulated GPU takes a thousand times as long for one.
  const std::int64_t replays = scaled_for<TestType>(kCaseShare<TestType> < 1.0 ? 4'000 : 100'000);
  const std::int64_t step = std::max<std::int64_t>(1, replays / 50);
  std::int64_t mismatches = 0;
  for (std::int64_t i = 0; i < replays; ++i) {
    const auto which = static_cast<std::size_t>(random.in(0, kInputs - 1));
    backend.copy(session.stream, as_writable_bytes(input),
                 as_bytes(states.span().subspan(which * elements, elements)));
    backend.copy(
        session.stream,
        {reinterpret_cast<std::byte*>(const_cast<std::int32_t*>(inputs.live_tokens.data())),
         sizeof(std::int32_t)},
        as_bytes(live.span().subspan(which, 1)));
    backend.replay(session.stream, graph);
    for (std::size_t e = 0; e < elements; ++e) expected[e] = outputs[which][e] + expected[e];
    if ((i + 1) % step != 0) continue;
    if (session.download(sum.span()) != expected) ++mismatches;
    if (resident == 0) resident = resident_kib();
  }
  CHECK(mismatches == 0);
  CHECK(session.download(sum.span()) == expected);
  CHECK(memory.intact());
  INFO("resident after the first " << step << " replays: " << resident << " KiB, at the end "
                                   << resident_kib());
  CHECK(resident_kib() <= resident + 16 * 1024);
}
