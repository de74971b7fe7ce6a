// SPDX-License-Identifier: Apache-2.0
// CUDA's routing by one cluster of blocks: how tokens are shared out, and plans that are the CPU's,
// whatever the number of experts, on both sides of the numbers of tokens where the cluster changes.
#include <cstdint>
#include <type_traits>

#include "kernels/route_plan/sm90_shape.hpp"
#include "layer/support/layer_draw.hpp"
#include "support/catch.hpp"
#include "support/run_call.hpp"
#include "switchyard/backends/cpu.hpp"
#include "switchyard/backends/cuda.hpp"

using namespace switchyard;
using namespace switchyard::test;

namespace {

LayerCase router_of(std::int64_t experts, std::int64_t top_k, std::int64_t groups) {
  LayerCase layer;
  LayerConfig& config = layer.config;
  config.hidden_size = config.intermediate_size = 1;
  config.num_experts = experts;
  config.top_k = top_k;
  config.router =
      groups > 1 ? routers::deepseek_v3(groups, groups / 2, true, 2.5F) : routers::qwen3_moe(true);
  Random random(static_cast<std::uint64_t>(experts));
  fill_tensors(random, layer, false);
  return layer;
}

template <class B>
PlanContent plan_on(Session<B>& session, const LayerCase& layer_case, const CallCase& call,
                    std::byte poison) {
  MoeLayer<B> layer(session.backend, session.stream, layer_case.config, layer_case.host());
  RunOptions options;
  options.poison = poison;
  return run_call(session, layer, call, options).plan;
}

}  // namespace

TEST_CASE("cuda: a cluster has room for every token, and few blocks without one", "[cuda]") {
  using namespace kernels;
  for (std::int32_t tokens = 0; tokens < 1000; ++tokens) {
    PlanParams plan{};
    plan.num_tokens = tokens;
    plan.top_k = 8;
    plan.num_local_experts = 128;
    plan.block_size = 16;
    const RoutePlanTiles tiles = sm90::cluster_tiles(plan);
    INFO("T " << tokens << ": " << tiles.count << " tiles of " << tiles.tokens);
    REQUIRE(tiles.count * tiles.tokens >= tokens);
    REQUIRE(tiles.count <= sm90::kMaxRouteCluster);
    REQUIRE((tiles.count == 1 || tiles.count * tiles.tokens < 2 * tokens));
    REQUIRE(tiles.tokens <= sm90::kRouteWaves << tiles.wave_token_bits);
    for (const std::int32_t experts : {128, 129}) {
      plan.num_experts = plan.num_local_experts = experts;
      const bool suits = sm90::suits_cluster(plan);
      CHECK(suits == (tokens > (experts == 128 ? 4 : 8) && tokens <= 128));
      if (suits) REQUIRE(tiles.wave_token_bits == 0);
    }
  }
}

TEMPLATE_LIST_TEST_CASE("cuda: a cluster plans as the CPU does", "[native][cuda]", Backends) {
  if constexpr (std::is_same_v<TestType, CudaBackend>) {
    struct Extents {
      std::int64_t experts, top_k, groups;
    };
    Session<CpuBackend> cpu;
    Session<CudaBackend> cuda;
    for (const Extents& extents : {Extents{1, 1, 1}, Extents{33, 5, 1}, Extents{128, 8, 1},
                                   Extents{128, 64, 8}, Extents{129, 8, 1}, Extents{256, 8, 8},
                                   Extents{257, 3, 1}, Extents{512, 10, 1}, Extents{512, 64, 8}}) {
      const LayerCase layer = router_of(extents.experts, extents.top_k, extents.groups);
      Random random(98'000);
      for (const std::int64_t tokens : {4, 5, 8, 9, 16, 17, 32, 33, 61, 64, 65, 127, 128, 129}) {
        for (const Routing routing : {Routing::logits, Routing::preselected}) {
          INFO("T " << tokens << " E " << extents.experts << " K " << extents.top_k << " groups "
                    << extents.groups << " routing " << static_cast<int>(routing));
          const CallCase call = random_call(random, layer, tokens, routing);
          const PlanContent expected = plan_on(cpu, layer, call, kPoisons[0]);
          for (const std::byte poison : kPoisons)
            CHECK(plan_on(cuda, layer, call, poison) == expected);
        }
      }
    }
  }
}
