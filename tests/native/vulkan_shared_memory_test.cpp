// SPDX-License-Identifier: Apache-2.0
// Devices with little shared memory: which shapes routers have there, and that whole layers come
// out as the CPU's on a device that is held to 16 KiB.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>

#include "backends/vulkan/route_plan.hpp"
#include "backends/vulkan/specialization.hpp"
#include "layer/support/router_case.hpp"
#include "support/catch.hpp"
#include "switchyard/backends/cpu.hpp"
#include "switchyard/backends/vulkan.hpp"
#include "switchyard/error.hpp"

using namespace switchyard;
using namespace switchyard::test;
using namespace switchyard::vulkan;

namespace {

constexpr std::size_t kLeast = 16 * 1024;

Session<VulkanBackend> session_with(std::size_t shared_bytes) {
  VulkanOptions options;
  options.max_shared_bytes = shared_bytes;
  return {std::make_shared<VulkanBackend>(options)};
}

RouterConfig router_of(std::int64_t groups) {
  RouterConfig router = routers::qwen3_moe(true);
  router.num_groups = router.kept_groups = groups;
  return router;
}

template <class B>
Outcome run(Session<B>& session, const LayerCase& layer_case, const CallCase& call) {
  MoeLayer<B> layer(session.backend, session.stream, layer_case.config, layer_case.host());
  return run_call(session, layer, call);
}

kernels::RoutePlanParams extents(std::int32_t experts, std::int32_t groups, std::int32_t top_k,
                                 std::int32_t tokens) {
  kernels::RoutePlanParams params{};
  params.route.num_tokens = params.plan.num_tokens = tokens;
  params.route.num_experts = params.plan.num_experts = params.plan.num_local_experts = experts;
  params.route.num_groups = params.route.kept_groups = groups;
  params.route.top_k = params.plan.top_k = top_k;
  params.plan.block_size = 16;
  return params;
}

}  // namespace

TEST_CASE("vulkan: shapes of routers fit 16, 32 and 48 KiB and waves of 8 to 64", "[vulkan]") {
  for (const std::size_t kib : {16U, 32U, 48U})
    for (const int wave : {8, 16, 32, 64})
      for (const std::int32_t experts : {1, 32, 128, 384, 400, 1000, 3000, 4096})
        for (const std::int32_t groups : {1, 8})
          for (const std::int32_t top_k : {1, 8, 64})
            for (const std::int32_t tokens : {1, 8, 9, 1024, 4096, 100'000}) {
              if (top_k > experts || groups > experts) continue;
              INFO(kib << " KiB, wave " << wave << ", E " << experts << ", groups " << groups
                       << ", K " << top_k << ", T " << tokens);
              const RouterDevice device{wave, kib * 1024};
              const auto params = extents(experts, groups, top_k, tokens);
              const auto check = [&](const BodyLaunch& launch, std::int64_t least) {
                CHECK(launch.shape.shared_bytes <= device.shared_bytes);
                const std::size_t compiled =
                    4U * std::size_t{specialize(launch, wave, device.shared_bytes).shared_words};
                CHECK(compiled >= launch.shape.shared_bytes);
                CHECK(compiled <= device.shared_bytes);
                CHECK(launch.shape.num_threads % wave == 0);
                CHECK(launch.shape.num_threads <= kernels::simt::kMaxThreads);
                CHECK(launch.shape.num_blocks >= least);
              };
              if (experts < 4000 || kib > 16) check(route_launch(params.route, device), 1);
              LayerConfig config;
              config.num_experts = experts;
              config.top_k = top_k;
              config.router.num_groups = groups;
              const ForwardCall call{.config = config, .num_tokens = tokens};
              const bool runs = runs_route_plan(call, device);
              if (experts < 1000 || kib > 16) CHECK(runs == (experts <= 16 * wave));
              if (!runs) continue;
              const std::int32_t tiles = kernels::route_plan_tiles(tokens, top_k);
              if (is_one_block(params)) {
                CHECK(tiles == 1);
                check(route_plan_block_launch(params, device), 1);
                continue;
              }
              check(route_tile_launch(params, device), tiles);
              check(place_tile_launch(params, device), tiles);
              CHECK((scan_tiles_launch(params, device).shape.num_blocks > 0) ==
                    (tiles > kernels::kFewTiles));
              const std::string_view body = route_tile_launch(params, device).body;
              CHECK(std::stoi(std::string(body.substr(body.rfind('_') + 1))) * wave >= experts);
            }
}

TEMPLATE_LIST_TEST_CASE("vulkan: many experts are routed as on the CPU, also in 16 KiB",
                        "[native][vulkan]", Backends) {
  if constexpr (std::is_same_v<TestType, VulkanBackend>) {
    Session<CpuBackend> cpu;
    for (const std::size_t shared_bytes : {kLeast, SIZE_MAX}) {
      Session<VulkanBackend> session = session_with(shared_bytes);
      for (const std::int64_t experts : {64, 400, 440, 3000}) {
        INFO("E " << experts << ", " << shared_bytes << " bytes");
        const LayerCase layer = router_case(experts, 64, router_of(experts == 440 ? 8 : 1));
        Random random(5);
        for (const std::int64_t tokens : {3, 20}) {
          const CallCase call = random_call(random, layer, tokens, Routing::logits);
          CHECK(run(session, layer, call).plan == run(cpu, layer, call).plan);
        }
      }
    }
  } else {
    SUCCEED("another backend");
  }
}

TEMPLATE_LIST_TEST_CASE("vulkan: what shared memory cannot hold is refused", "[native][vulkan]",
                        Backends) {
  if constexpr (std::is_same_v<TestType, VulkanBackend>) {
    const auto message = [](auto&& call) -> std::string {
      try {
        call();
      } catch (const Error& error) {
        CHECK(error.code() == ErrorCode::invalid_argument);
        return error.what();
      }
      return "no Error was thrown";
    };
    CHECK(message([] { (void)session_with(kLeast - 1); }) ==
          "max_shared_bytes is 16383, must be at least 16384");
    Session<VulkanBackend> session = session_with(kLeast);
    const LayerCase layer = router_case(4096, 8, router_of(1));
    Random random(6);
    const CallCase call = random_call(random, layer, 2, Routing::logits);
    CHECK(message([&] { (void)run(session, layer, call); }) ==
          "route needs 16912 bytes of shared memory, must be at most 16384, what the device has");
  } else {
    SUCCEED("another backend");
  }
}
