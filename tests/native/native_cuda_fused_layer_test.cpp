// SPDX-License-Identifier: Apache-2.0
// CUDA's whole layer in one kernel, where the device has it: at the edges of what it has room for,
// from run to run, whatever the other tokens are and whatever the workspace holds.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "layer/support/rows_of.hpp"
#include "native/support/fused_and_cpu.hpp"
#include "native/support/fused_draws.hpp"
#include "support/catch.hpp"
#include "support/run_call.hpp"
#include "support/scale.hpp"
#include "switchyard/backends/cpu.hpp"
#include "switchyard/backends/cuda.hpp"

using namespace switchyard;
using namespace switchyard::test;

namespace {

void check_adversarial_logits() {
  Random random(9'700'000);
  const double specials[] = {std::numeric_limits<double>::quiet_NaN(),
                             std::numeric_limits<double>::infinity(),
                             -std::numeric_limits<double>::infinity(),
                             0.0,
                             -0.0,
                             1.0,
                             60000.0,
                             -60000.0};
  for (const Extents extents : {Extents{960, 64, 33, 5}, Extents{1024, 64, 128, 8}}) {
    const LayerCase layer = plain_layer(random, extents);
    FusedAndCpu both(layer);
    for (const DType dtype : {DType::f32, DType::bf16, DType::f16})
      for (const std::int64_t tokens : {1, 5, 64})
        for (int round = 0; round < 8; ++round) {
          CallCase call = plain_call(random, layer, tokens);
          std::vector<double> logits = call.router_logits.values();
          const double share = 0.15 * round;
          for (double& logit : logits)
            if (random.chance(share))
              logit = specials[static_cast<std::size_t>(random.in(0, std::size(specials) - 1))];
          call.router_logits = Tensor(logits, dtype, {1, tokens, extents.num_experts});
          INFO("T " << tokens << " round " << round << " " << name(dtype));
          CHECK(both.check(random, call, {}).empty());
        }
  }
}

/// Every token's choice is the same few experts, whose rows need several groups.
void check_hot_experts() {
  Random random(9'700'100);
  for (const Extents extents : {Extents{1024, 64, 40, 8}, Extents{4096, 64, 9, 8},
                                Extents{7168, 64, 9, 8}, Extents{1024, 128, 1, 1}}) {
    const LayerCase layer = plain_layer(random, extents);
    FusedAndCpu both(layer);
    for (const std::int64_t tokens : {1, 8, 9, 16, 17, 32, 33, 63, 64}) {
      CallCase call = plain_call(random, layer, tokens);
      std::vector<double> logits = call.router_logits.values();
      for (std::size_t i = 0; i < logits.size(); ++i)
        logits[i] -= 3.0 * static_cast<double>(i % static_cast<std::size_t>(extents.num_experts));
      call.router_logits = Tensor(logits, DType::f32, {1, tokens, extents.num_experts});
      INFO("T " << tokens << " " << describe(layer.config));
      CHECK(both.check(random, call, {}).empty());
    }
  }
}

/// Rows above 4096, of which blocks have several tickets: down begins with sections of groups.
void check_sections() {
  Random random(9'700'150);
  const LayerCase layer = plain_layer(random, {4160, 1024, 4, 2});
  FusedAndCpu both(layer);
  for (const std::int64_t tokens : {1, 2, 8, 9, 40}) {
    const CallCase call = plain_call(random, layer, tokens);
    INFO("T " << tokens);
    for (int repeat = 0; repeat < 4; ++repeat) CHECK(both.check(random, call, {}).empty());
  }
}

void check_repeats() {
  Random random(9'700'200);
  const LayerCase layer = plain_layer(random, {2048, 128, 40, 8});
  FusedAndCpu both(layer);
  for (const std::int64_t tokens : {1, 17, 64}) {
    const CallCase call = plain_call(random, layer, tokens);
    CallMemory<CudaBackend> memory(both.session(), layer.config, call, Placement::slab,
                                   kPoisons[1]);
    std::optional<Outcome> first;
    bool same = true;
    for (std::int64_t run = 0; run < scaled(1000); ++run) {
      if (call.residual_is_output || call.output_is_hidden_states) memory.rewrite(call);
      Outcome outcome;
      const auto plan = both.layer().forward(both.session().stream, memory.inputs(),
                                             memory.intermediates(), &memory.route());
      outcome.plan = download_plan(both.session().backend, both.session().stream, plan);
      outcome.output = memory.output();
      if (!first) first = outcome;
      same = same && outcome.output == first->output && outcome.plan == first->plan;
    }
    CHECK(same);
  }
}

/// For a fixed number of tokens, a row has the same bits beside any other rows.
void check_independence() {
  for (std::uint64_t i = 0; i < 12; ++i) {
    Random random(9'700'300 + i);
    const LayerCase layer = random_layer_of(random, random_extents(random));
    FusedAndCpu both(layer);
    const std::int64_t tokens = std::max<std::int64_t>(2, random_tokens(random, layer.config));
    if (tokens * layer.config.top_k > 512) continue;
    CallCase call = random_call(random, layer, tokens, Routing::logits);
    call.live_tokens.reset();
    const std::vector<std::byte> whole = both.run(call).output;
    const auto row = static_cast<std::ptrdiff_t>(layer.config.hidden_size) * 2;
    bool same = true;
    for (int round = 0; round < 4; ++round) {
      const auto kept = static_cast<std::size_t>(random.in(0, tokens - 1));
      const auto moved_to = static_cast<std::size_t>(random.in(0, tokens - 1));
      std::vector<std::size_t> order(static_cast<std::size_t>(tokens));
      for (std::size_t& t : order) t = static_cast<std::size_t>(random.in(0, tokens - 1));
      order[moved_to] = kept;
      const auto output = both.run(rows_of(call, layer.config, order)).output;
      same = same && std::equal(output.begin() + static_cast<std::ptrdiff_t>(moved_to) * row,
                                output.begin() + static_cast<std::ptrdiff_t>(moved_to + 1) * row,
                                whole.begin() + static_cast<std::ptrdiff_t>(kept) * row);
    }
    INFO("case " << i << " " << describe(layer.config));
    CHECK(same);
  }
}

/// One scratch for calls of different sizes after each other, and graphs of two scratches replayed
/// on two streams at once.
void check_workspaces() {
  Random random(9'700'400);
  const LayerCase layer = plain_layer(random, {1024, 128, 24, 4});
  FusedAndCpu both(layer);
  Session<CudaBackend>& session = both.session();
  const WorkspacePlan plan = plan_workspace(layer.config, 64);

  struct Call {
    CallCase call;
    std::vector<std::byte> expected;
    std::unique_ptr<CallMemory<CudaBackend>> memory;
  };
  std::vector<Call> calls;
  for (const std::int64_t tokens : {64, 1, 33, 0, 8, 64, 2}) {
    CallCase call = plain_call(random, layer, tokens);
    call.residual = Tensor();
    call.residual_is_output = call.output_is_hidden_states = false;
    calls.push_back({call, both.run(call).output, nullptr});
  }
  for (Call& call : calls)
    call.memory = std::make_unique<CallMemory<CudaBackend>>(session, layer.config, call.call,
                                                            Placement::slab, kPoisons[1]);

  std::vector<MoeScratch<CudaBackend>> scratches;
  std::vector<CudaBackend::Stream> streams;
  std::vector<CudaBackend::Graph> graphs;
  for (const std::byte poison : {std::byte{0xff}, std::byte{0x5a}}) {
    auto& scratch = scratches.emplace_back(session.backend, plan);
    auto& stream = streams.emplace_back(session.backend.make_stream());
    const auto route = scratch.route(64);
    const DeviceSpan<std::byte> ids = as_writable_bytes(route.selected_ids);
    session.backend.fill(session.stream, DeviceSpan<std::byte>(ids.data(), plan.total_bytes),
                         poison);
    session.backend.synchronize(session.stream);
    graphs.push_back(session.backend.capture(stream, [&] {
      for (std::size_t i = scratches.size() - 1; i < calls.size(); i += 2)
        both.layer().forward(stream, calls[i].memory->inputs(), scratch);
    }));
  }
  for (int replay = 0; replay < 50; ++replay)
    for (std::size_t s = 0; s < streams.size(); ++s) session.backend.replay(streams[s], graphs[s]);
  for (CudaBackend::Stream& stream : streams) session.backend.synchronize(stream);
  for (Call& call : calls) {
    INFO("T " << call.call.num_tokens);
    CHECK(call.memory->output() == call.expected);
    CHECK(call.memory->intact());
  }
}

/// The path of a call of so many tokens.
ForwardPath path_of(MoeLayer<CudaBackend>& layer, std::int64_t tokens) {
  MoeInputs inputs;
  inputs.hidden_states.rows = tokens;
  return layer.forward_path(inputs);
}

void check_switches() {
  Random random(9'700'500);
  const auto fuses = [&](const Extents& extents, std::int64_t tokens, DType dtype = DType::bf16,
                         DType weights = DType::bf16) {
    LayerCase layer;
    layer.config = plain_layer(random, extents).config;
    layer.config.activation_dtype = dtype;
    layer.config.weight_dtype = weights;
    fill_tensors(random, layer, false);
    Session<CudaBackend> session;
    LayerOptions options;
    options.forward_path = ForwardPath::fused_layer;
    MoeLayer<CudaBackend> moe(session.backend, session.stream, layer.config, layer.host(), options);
    const bool fused = path_of(moe, tokens) == ForwardPath::fused_layer;
    const bool told = moe.describe(tokens).find("path fused_layer") != std::string::npos;
    CHECK(fused == told);
    const CallCase call = plain_call(random, layer, tokens);
    const oracle::Result expected =
        oracle::forward(layer.config, layer.reference(), call.reference());
    if (!expected.ambiguous)
      CHECK(worst_error(run_call(session, moe, call).output, dtype, expected.output) <= 1.0);
    return fused;
  };
  if (!fuses({960, 64, 3, 2}, 64)) {
    WARN("this device has no kernel for the whole layer");
    return;
  }
  CHECK_FALSE(fuses({960, 64, 3, 2}, 65));
  CHECK(fuses({960, 64, 9, 9}, 56));
  CHECK_FALSE(fuses({960, 64, 9, 9}, 57));
  CHECK_FALSE(fuses({896, 64, 3, 2}, 4));
  CHECK_FALSE(fuses({968, 64, 3, 2}, 4));
  CHECK_FALSE(fuses({960, 72, 3, 2}, 4));
  CHECK(fuses({8192, 64, 2, 1}, 2));
  CHECK_FALSE(fuses({8256, 64, 2, 1}, 2));
  CHECK(fuses({960, 64, 3, 2}, 4, DType::f16, DType::f16));
  CHECK_FALSE(fuses({960, 64, 3, 2}, 4, DType::f16, DType::bf16));
  CHECK_FALSE(fuses({960, 64, 3, 2}, 4, DType::f32, DType::f32));
}

/// Up to 8 tokens the kernel routes as well; else, and where the caller chose, the plan is made by
/// a launch before it. Logits that the layer computes are one more.
void check_launches() {
  Random random(9'700'600);
  const LayerCase layer = plain_layer(random, {1024, 64, 33, 5});
  FusedAndCpu both(layer);
  Session<CudaBackend>& session = both.session();
  const auto launches = [&](std::int64_t tokens, Routing routing) {
    CallCase call = random_call(random, layer, tokens, routing);
    call.live_tokens.reset();
    CallMemory<CudaBackend> memory(session, layer.config, call, Placement::slab, kPoisons[1]);
    const auto graph = session.backend.capture(session.stream, [&] {
      both.layer().forward(session.stream, memory.inputs(), memory.intermediates(),
                           &memory.route());
    });
    return session.backend.num_nodes(graph);
  };
  if (path_of(both.layer(), 1) != ForwardPath::fused_layer) {
    WARN("this device has no kernel for the whole layer");
    return;
  }
  for (std::int64_t tokens = 1; tokens <= 64; ++tokens) {
    INFO("T " << tokens);
    const std::int64_t planning = tokens <= 8 ? 0 : 1;
    CHECK(launches(tokens, Routing::logits) == 1 + planning);
    CHECK(launches(tokens, Routing::gate) == 2 + planning);
    CHECK(launches(tokens, Routing::preselected) == 2);
  }
}

}  // namespace

#define SWITCHYARD_CUDA_CASE(name, check)                                          \
  TEMPLATE_LIST_TEST_CASE("cuda: " name, "[native][fused_layer_cuda]", Backends) { \
    if constexpr (std::is_same_v<TestType, CudaBackend>) {                         \
      check();                                                                     \
    } else {                                                                       \
      SUCCEED("another backend");                                                  \
    }                                                                              \
  }

SWITCHYARD_CUDA_CASE("the whole layer in one kernel on adversarial logits",
                     check_adversarial_logits)
SWITCHYARD_CUDA_CASE("the whole layer in one kernel with hot experts", check_hot_experts)
SWITCHYARD_CUDA_CASE("down in one kernel begins with the groups that are there", check_sections)
SWITCHYARD_CUDA_CASE("the whole layer in one kernel gives the same bits every time", check_repeats)
SWITCHYARD_CUDA_CASE("in one kernel a row does not depend on the others", check_independence)
SWITCHYARD_CUDA_CASE("the whole layer in one kernel in any workspace", check_workspaces)
SWITCHYARD_CUDA_CASE("which calls run as one kernel", check_switches)
SWITCHYARD_CUDA_CASE("the launches of a layer of few tokens", check_launches)
