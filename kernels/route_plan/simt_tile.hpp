// SPDX-License-Identifier: Apache-2.0
// The router of a tile of many: one wave a token from its logits to its weights, then the counts of
// the waves become the ranks of the tile.
#pragma once

#include "kernels/route_plan/simt_routed_tile.hpp"

namespace switchyard::kernels::simt {

template <class Ctx, int PerLane, Ranking By>
struct TileRouter {
  Ctx& ctx;
  RoutedTile<Ctx, PerLane, By> tile;  // cursors become the pairs of the waves before

  SWITCHYARD_FN TileRouter(Ctx& ctx_in, const RoutePlanParams& params)
      : ctx(ctx_in), tile(ctx, params) {
    tile.clear_cursors();
  }

  /// Routes the first `tokens` tokens from `first` on.
  SWITCHYARD_FN void route(std::int32_t first, std::int32_t tokens) {
    const int bits = tile.params.tiles.wave_token_bits;
    const std::int32_t begin = ctx.wave() << bits;
    const std::int32_t end = (ctx.wave() + 1) << bits;
    SWITCHYARD_ROLLED
    for (std::int32_t i = begin; i < end && i < tokens; ++i) {
      if (tile.is_given()) {
        tile.copy_given(first + i, i);
      } else {
        typename RoutedTile<Ctx, PerLane, By>::Router router(ctx, tile.params.route);
        router.load(first + i);
        router.prepare();
        tile.select(router, i);
        tile.weigh(router, first + i, i);
      }
      tile.count(i);
    }
    ctx.sync();
  }

  /// The rows of expert e among the first `waves` waves; cursors[w][e] becomes those of the waves
  /// before w. Each expert is asked for once.
  [[nodiscard]] SWITCHYARD_FN std::int32_t close_count(std::int32_t e, std::int32_t waves) {
    return tile.count_in(e, waves, [&](std::int32_t w, std::int32_t before) {
      tile.cursors[w * tile.experts + e] = before;
    });
  }

  /// The rank of a pair of expert e among those of the tile, once the counts are closed.
  [[nodiscard]] SWITCHYARD_FN std::int32_t rank(std::int32_t e, const PairPlace& place) const {
    return std::int32_t{tile.cursors[place.wave() * tile.experts + e]} + place.rank();
  }
};

}  // namespace switchyard::kernels::simt
