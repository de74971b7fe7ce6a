// SPDX-License-Identifier: Apache-2.0
// Every body of the Vulkan backend's products against the CPU backend and the oracle, on extents
// that all of them can run. Where a device has no cooperative matrices their arithmetic is spelt
// out, and all around it is the same.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "native/support/vulkan_draw.hpp"
#include "support/catch.hpp"
#include "support/environment.hpp"
#include "support/scale.hpp"
#include "switchyard/backends/cpu.hpp"
#include "switchyard/backends/vulkan.hpp"
#include "switchyard/error.hpp"

using namespace switchyard;
using namespace switchyard::test;

namespace {

constexpr std::array kBodies{VulkanBodies::tiled, VulkanBodies::vector, VulkanBodies::matrix,
                             VulkanBodies::automatic};

/// The rows of the first tokens of a tensor [1, tokens, width].
Tensor first_tokens(const Tensor& tensor, std::int64_t tokens) {
  const auto shape = tensor.view().shape;
  std::vector<double> values = tensor.values();
  values.resize(static_cast<std::size_t>(tokens * shape[2]));
  return {values, tensor.dtype(), {1, tokens, shape[2]}};
}

/// Results of different bodies, each within its bound of the exact one.
bool agree(const LayerDraw& drawn, const Outcome& ours, const Outcome& theirs) {
  const DType dtype = drawn.layer.config.activation_dtype;
  const std::vector<double> a = decode_all(ours.output, dtype);
  const std::vector<double> b = decode_all(theirs.output, dtype);
  for (std::size_t i = 0; i < a.size(); ++i)
    if (!(std::abs(a[i] - b[i]) <= 2.0 * drawn.expected.output[i].bound)) return false;
  return true;
}

}  // namespace

TEMPLATE_LIST_TEST_CASE("vulkan: every body of the products gives what the CPU gives",
                        "[native][vulkan][bodies]", Backends) {
  if constexpr (std::is_same_v<TestType, VulkanBackend>) {
    Session<CpuBackend> cpu;
    std::vector<Session<VulkanBackend>> sessions;
    for (const VulkanBodies bodies : kBodies) sessions.push_back(session_of(bodies));
    sessions.push_back(session_of(VulkanBodies::tiled, std::size_t{16} * 1024));
    const bool is_gpu = sessions.front().backend.info().wave_size >= 32;
    const std::int64_t count = scaled(1000);
    std::int64_t num_overflows = 0;
    const CasePart part = case_part();
    std::int64_t num_cases = 0;
    for (std::int64_t i = part.first; i < count; i += part.step) {
      ++num_cases;
      Random random(9'400'000 + static_cast<std::uint64_t>(i));
      const LayerDraw drawn = draw_for_vulkan(random, is_gpu ? 400 : 150);
      const Outcome reference = run(cpu, drawn, kPoisons[0]);
      if (overflows(drawn, reference)) {
        ++num_overflows;
        continue;
      }
      double worst = 0.0;
      for (Session<VulkanBackend>& session : sessions) {
        const auto poison = kPoisons[static_cast<std::size_t>(i) % std::size(kPoisons)];
        const Outcome outcome = run(session, drawn, poison);
        std::string wrong = fault(drawn, outcome, worst);
        if (wrong.empty() && outcome.plan != reference.plan) wrong = "the plan is not the CPU's";
        if (wrong.empty() && !agree(drawn, outcome, reference)) wrong = "it is not the CPU's";
        if (!wrong.empty())
          FAIL("case " << i << ", " << name(session.backend.bodies()) << ": " << wrong << "; T "
                       << drawn.call.num_tokens << " " << describe(drawn.layer.config));
      }
    }
    WARN(num_cases << " random layers, " << num_overflows << " of them passed over");
    CHECK(num_overflows * 20 <= num_cases);
  } else {
    SUCCEED("another backend");
  }
}

TEMPLATE_LIST_TEST_CASE("vulkan: with one body a row does not depend on other rows",
                        "[native][vulkan][bodies]", Backends) {
  if constexpr (std::is_same_v<TestType, VulkanBackend>) {
    for (const VulkanBodies bodies :
         {VulkanBodies::tiled, VulkanBodies::vector, VulkanBodies::matrix}) {
      INFO(name(bodies));
      Session<VulkanBackend> session = session_of(bodies);
      Random random(77);
      LayerCase layer_case;
      layer_case.config.hidden_size = 64;
      layer_case.config.intermediate_size = 40;
      layer_case.config.num_experts = 3;
      layer_case.config.top_k = 2;
      layer_case.config.activation_dtype = layer_case.config.weight_dtype = DType::bf16;
      fill_tensors(random, layer_case, false);
      MoeLayer<VulkanBackend> layer(session.backend, session.stream, layer_case.config,
                                    layer_case.host());
      CallCase call = random_call(random, layer_case, 13, Routing::logits);
      call.live_tokens.reset();
      call.residual = Tensor();
      call.residual_is_output = call.output_is_hidden_states = false;
      const std::vector<std::byte> all = run_call(session, layer, call).output;
      const std::size_t row = all.size() / 13;
      for (const std::int64_t tokens : {1, 2, 3, 5, 8}) {
        CallCase part = call;
        part.num_tokens = tokens;
        part.hidden_states = first_tokens(call.hidden_states, tokens);
        part.router_logits = first_tokens(call.router_logits, tokens);
        std::vector<std::byte> expected = all;
        expected.resize(row * static_cast<std::size_t>(tokens));
        CHECK(run_call(session, layer, part).output == expected);
      }
    }
  } else {
    SUCCEED("another backend");
  }
}

TEMPLATE_LIST_TEST_CASE("vulkan: few live tokens of many come out as a call of few",
                        "[native][vulkan][bodies]", Backends) {
  if constexpr (std::is_same_v<TestType, VulkanBackend>) {
    for (const VulkanBodies bodies :
         {VulkanBodies::tiled, VulkanBodies::vector, VulkanBodies::matrix}) {
      Session<VulkanBackend> session = session_of(bodies);
      for (const std::int64_t experts : {4, 1024}) {
        if (experts == 1024 && bodies != VulkanBodies::matrix) continue;  // down in strips
        Random random(78);
        LayerCase layer_case;
        LayerConfig& config = layer_case.config;
        config.hidden_size = 8;
        config.intermediate_size = experts == 4 ? 1024 : 64;
        config.num_experts = experts;
        config.top_k = 2;
        config.activation_dtype = config.weight_dtype = DType::bf16;
        fill_tensors(random, layer_case, false);
        MoeLayer<VulkanBackend> layer(session.backend, session.stream, config, layer_case.host());
        CallCase call =
            random_call(random, layer_case, experts == 4 ? 8100 : 2100, Routing::logits);
        call.residual = Tensor();
        call.residual_is_output = call.output_is_hidden_states = false;
        for (const std::int32_t live : {0, 40}) {
          INFO(name(bodies) << ", E " << experts << ", live " << live);
          call.live_tokens = live;
          const Outcome many = run_call(session, layer, call, {true, Placement::slab, kPoisons[1]});
          CHECK(many.intact);
          CallCase few = call;
          few.live_tokens.reset();
          few.num_tokens = live;
          few.hidden_states = first_tokens(call.hidden_states, live);
          few.router_logits = first_tokens(call.router_logits, live);
          std::vector<std::byte> expected = run_call(session, layer, few).output;
          expected.resize(many.output.size());  // zeros behind the live tokens
          CHECK(many.output == expected);
        }
      }
    }
  } else {
    SUCCEED("another backend");
  }
}

TEMPLATE_LIST_TEST_CASE("vulkan: the environment names the bodies where the options do not",
                        "[native][vulkan]", Backends) {
  if constexpr (std::is_same_v<TestType, VulkanBackend>) {
    ScopedEnvironment environment("SWITCHYARD_VULKAN_BODIES", "tiled");
    CHECK(VulkanBackend().bodies() == VulkanBodies::tiled);
    CHECK(session_of(VulkanBodies::vector).backend.bodies() == VulkanBodies::vector);
    environment.set("");
    CHECK(VulkanBackend().bodies() == VulkanBodies::automatic);
    environment.set("fast");
    try {
      const VulkanBackend backend;
      FAIL("no Error was thrown");
    } catch (const Error& error) {
      CHECK(error.code() == ErrorCode::invalid_argument);
      CHECK(std::string(error.what()) ==
            "environment variable SWITCHYARD_VULKAN_BODIES is 'fast', must be automatic, tiled, "
            "vector or matrix");
    }
  } else {
    SUCCEED("another backend");
  }
}
