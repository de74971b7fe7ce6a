// SPDX-License-Identifier: Apache-2.0
// The router of a tile of few tokens: no plan needs a weight, so where the block has two waves for
// a token one of them selects, and goes on to the plan, while the other weighs.
#pragma once

#include "kernels/route_plan/simt_routed_tile.hpp"

namespace switchyard::kernels::simt {

template <class Ctx, int PerLane, Ranking By>
struct SplitTileRouter {
  using Router = typename RoutedTile<Ctx, PerLane, By>::Router;

  Ctx& ctx;
  RoutedTile<Ctx, PerLane, By> tile;

  SWITCHYARD_FN SplitTileRouter(Ctx& ctx_in, const RoutePlanParams& params)
      : ctx(ctx_in), tile(ctx, params) {
    tile.clear_cursors();
  }

  /// Routes the first `tokens` tokens from `first` on. All waves call meet(), which has the block
  /// meet, once: its experts are all found and counted then, what is left is to weigh some.
  template <class Meet>
  SWITCHYARD_FN void route(std::int32_t first, std::int32_t tokens, Meet meet) {
    tokens_ = tokens;
    const std::int32_t first_weigher = ctx.num_waves() - tokens;  // where weighers are apart
    const bool weighs_alone = is_apart() && ctx.wave() >= first_weigher;
    const bool weighs = !tile.is_given() && (weighs_alone || !is_apart());
    const std::int32_t rounds = 1 << tile.params.tiles.wave_token_bits;
    Router router(ctx, tile.params.route);
    SWITCHYARD_ROLLED
    for (std::int32_t round = 0; round < rounds; ++round) {
      const std::int32_t i =
          weighs_alone ? ctx.wave() - first_weigher : ctx.wave() * rounds + round;
      const bool has_token = i < tokens;
      if (has_token) {
        if (tile.is_given()) {
          tile.copy_given(first + i, i);
        } else {
          router.load(first + i);
          if (By == Ranking::selections || weighs) router.prepare();
          if (!weighs_alone) tile.select(router, i);
        }
        if (!weighs_alone) tile.count(i);
      }
      if (round + 1 == rounds) meet();
      if (has_token && weighs) tile.weigh(router, first + i, i);
    }
  }

  /// Waves [first, last) that neither select nor weigh; all where there are none such.
  struct Waves {
    std::int32_t first;
    std::int32_t last;
  };
  [[nodiscard]] SWITCHYARD_FN Waves idle_waves() const {
    const std::int32_t first = tile.busy_waves(tokens_);
    const std::int32_t last = ctx.num_waves() - (is_apart() ? tokens_ : 0);
    return first < last ? Waves{first, last} : Waves{0, ctx.num_waves()};
  }
  /// Whether the last waves weigh, beside the first, which select.
  [[nodiscard]] SWITCHYARD_FN bool is_apart() const {
    return !tile.is_given() && tile.params.tiles.wave_token_bits == 0 &&
           2 * tokens_ <= ctx.num_waves();
  }

  /// The rows of expert e in the tile.
  [[nodiscard]] SWITCHYARD_FN std::int32_t rows(std::int32_t e) const {
    return count_in(e, tile.busy_waves(tokens_));
  }
  /// The rank of a pair of expert e among those of the tile.
  [[nodiscard]] SWITCHYARD_FN std::int32_t rank(std::int32_t e, const PairPlace& place) const {
    return count_in(e, place.wave()) + place.rank();
  }

 private:
  /// Pairs of expert e in the first `waves` waves.
  [[nodiscard]] SWITCHYARD_FN std::int32_t count_in(std::int32_t e, std::int32_t waves) const {
    return tile.count_in(e, waves, [](std::int32_t, std::int32_t) {});
  }

  std::int32_t tokens_ = 0;  // of the tile that are live
};

}  // namespace switchyard::kernels::simt
