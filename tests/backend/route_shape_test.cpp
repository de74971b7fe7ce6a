// SPDX-License-Identifier: Apache-2.0
// How CUDA's launches of stage "route_plan" share tokens out, to a cluster of blocks or to a grid.
#include <array>
#include <cstddef>
#include <cstdint>

#include "kernels/route_plan/sm90_grid_shape.hpp"
#include "kernels/route_plan/sm90_shape.hpp"
#include "support/catch.hpp"

using namespace switchyard;

TEST_CASE("cuda: a cluster has room for every token, and few blocks without one", "[route_shape]") {
  using namespace kernels;
  for (std::int32_t tokens = 0; tokens < 1000; ++tokens) {
    PlanParams plan{};
    plan.num_tokens = tokens;
    plan.top_k = 8;
    plan.num_local_experts = 128;
    plan.block_size = 16;
    const RoutePlanTiles tiles = kernels::sm90::cluster_tiles(plan);
    INFO("T " << tokens << ": " << tiles.count << " tiles of " << tiles.tokens);
    REQUIRE(tiles.count * tiles.tokens >= tokens);
    REQUIRE(tiles.count <= kernels::sm90::kMaxRouteCluster);
    REQUIRE((tiles.count == 1 || tiles.count * tiles.tokens < 2 * tokens));
    REQUIRE(tiles.tokens <= kernels::sm90::kRouteWaves << tiles.wave_token_bits);
    for (const std::int32_t experts : {128, 129}) {
      plan.num_experts = plan.num_local_experts = experts;
      const bool suits = kernels::sm90::suits_cluster(plan);
      CHECK(suits == (tokens > (experts == 128 ? 4 : 8) && tokens <= 128));
      if (suits) REQUIRE(tiles.wave_token_bits == 0);
    }
  }
}

TEST_CASE("cuda: a grid has room for every token, in no more blocks than the device runs",
          "[route_shape]") {
  using namespace kernels;
  for (const std::int32_t experts : {128, 129})
    for (const std::int32_t blocks : {1, 16, 114, 132, 300}) {
      std::int32_t most = 0;
      for (std::int32_t tokens = 0; tokens < 20'000; ++tokens) {
        RoutePlanParams params{};
        params.plan.num_tokens = tokens;
        params.plan.top_k = 8;
        params.plan.num_experts = params.plan.num_local_experts = experts;
        params.plan.block_size = 16;
        if (!kernels::sm90::suits_grid(params, blocks)) continue;
        most = tokens;
        const RoutePlanTiles tiles = kernels::sm90::grid_tiles(params.plan, blocks);
        INFO("T " << tokens << ", blocks " << blocks << ": " << tiles.count << " tiles of "
                  << tiles.tokens);
        REQUIRE(tokens > 128);
        REQUIRE(tiles.count * tiles.tokens >= tokens);
        REQUIRE((tiles.count - 1) * tiles.tokens < tokens);
        REQUIRE((tiles.count <= blocks && tiles.count <= kernels::sm90::kMaxGridTiles));
        REQUIRE(kernels::sm90::mask_words(tiles.tokens) * kernels::sm90::kMaskBits >= tiles.tokens);
        REQUIRE((tiles.count + 3) / 4 * 4 * kernels::sm90::count_quads(experts) <=
                route_plan_scratch_size(tokens, params.plan.top_k, experts));
      }
      const std::int32_t room = 64 * (blocks < 128 ? blocks : 128);
      CHECK(most == (room > 128 ? room : 0));
    }
}

TEST_CASE("cuda: a grid does not serve experts that were given or are mapped", "[route_shape]") {
  using namespace kernels;
  RoutePlanParams params{};
  params.plan.num_tokens = 1000;
  CHECK(kernels::sm90::suits_grid(params, 132));
  CHECK_FALSE(kernels::sm90::suits_grid(params, 0));
  const ExpertId given{};
  params.given_ids = &given;
  CHECK_FALSE(kernels::sm90::suits_grid(params, 132));
  params.given_ids = nullptr;
  const std::int32_t mapped = 0;
  params.plan.expert_map = &mapped;
  CHECK_FALSE(kernels::sm90::suits_grid(params, 132));
}

TEST_CASE("cuda: a grid does not serve a scratch that cannot be read 16 bytes at a time",
          "[route_shape]") {
  alignas(16) std::array<std::int32_t, 5> scratch{};
  kernels::RoutePlanParams params{};
  params.plan.num_tokens = 1000;
  for (std::size_t i = 0; i < scratch.size(); ++i) {
    params.plan.scratch = &scratch[i];
    CHECK(kernels::sm90::suits_grid(params, 132) == (i % 4 == 0));
  }
}
