// SPDX-License-Identifier: Apache-2.0
// The first waves of a block of a grid plan its tile, which has been selected for: they leave the
// rows of each expert in device memory and meet those of all blocks; each reads the counts of all
// tiles for four experts at once and sums them, and those of the tiles before its own; one finds
// where each expert starts; they place the block's pairs.
//
// No block relies on another to be on the device. One that has waited for long leaves the ranks of
// its pairs in device memory, and its place to blocks that have yet to come; of those that find all
// tiles counted, some place its pairs.
#pragma once

#include <cstdint>
#include <utility>

#include "kernels/route_plan/params.hpp"
#include "kernels/route_plan/simt_place.hpp"
#include "kernels/route_plan/sm90_grid_shape.hpp"
#include "kernels/route_plan/sm90_planner.cuh"
#include "kernels/route_plan/sm90_tile_counts.cuh"
#include "kernels/route_plan/sm90_tile_padder.cuh"
#include "kernels/sm90/meeting.cuh"

namespace switchyard::kernels::sm90 {

/// Tile: a simt::ChosenTile. Masks: its TileMasks. Asks for shared arrays behind the block's.
template <class Ctx, class Tile, class Masks>
struct TilePlanner {
  using Waves = FirstWaves<Ctx>;
  template <class T>
  using Shared = decltype(std::declval<Waves&>().template shared<T>(0));

  Waves& waves;
  const Tile& chosen;
  const Masks& masks;
  const PlanParams& plan;
  const RoutePlanTiles& tiles;
  const std::int32_t tile;        // the block's
  const std::int32_t first_pair;  // of the tile
  const TileCounts counts;        // of all tiles
  Shared<std::int32_t> rows;      // [4 * quads] of an expert in the call
  Shared<std::int32_t> before;    // the same, in the tiles before this one
  Shared<std::int32_t> found;     // [1] by the first thread
  simt::Placer<Ctx>& placer;
  const TilePadder<Ctx> padder;
  std::uint32_t* const left_tiles;  // GridMeeting::left_tiles
  const std::uint32_t patience;
  Meeting meeting;

  __device__ __forceinline__ TilePlanner(Waves& waves_in, const RoutePlanGridParams& params,
                                         const Tile& chosen_in, const Masks& masks_in,
                                         simt::Placer<Ctx>& placer_in,
                                         const TilePadder<Ctx>& padder_in, std::int32_t tile_in)
      : waves(waves_in),
        chosen(chosen_in),
        masks(masks_in),
        plan(params.call.plan),
        tiles(params.call.tiles),
        tile(tile_in),
        first_pair(tile * tiles.tokens * plan.top_k),
        counts{plan.scratch, tiles.count, masks.quads},
        rows(waves.template shared<std::int32_t>(4 * counts.quads)),
        before(waves.template shared<std::int32_t>(4 * counts.quads)),
        found(waves.template shared<std::int32_t>(1)),
        placer(placer_in),
        padder(padder_in),
        left_tiles(params.meeting->left_tiles),
        patience(params.patience),
        meeting(&params.meeting->word,
                static_cast<std::uint32_t>(tiles.count * publishing_waves())) {}

  /// Plans for the first `live` tokens of the tile, and for tiles whose blocks had left.
  __device__ __forceinline__ void run(std::int32_t live) {
    publish();
    const Met met = meet_all();
    if (met == Met::not_all && leaves(live)) return padder.tell(waves, true);
    sum_tiles(tile);
    if (waves.wave() == 0)
      placer.scan_by_wave([&](std::int32_t e) -> std::int32_t { return rows[e]; }, false);
    padder.tell(waves, false);
    waves.sync();
    for_pairs(live, [&](std::int32_t i, std::int32_t e, std::int32_t rank) {
      place(first_pair + i, e, rank);
    });
    if (met != Met::all) place_left();
  }

 private:
  [[nodiscard]] __device__ __forceinline__ std::int32_t publishing_waves() const {
    return (counts.quads + Waves::kWave - 1) / Waves::kWave;
  }
  __device__ __forceinline__ void publish() {
    if (waves.wave() >= publishing_waves()) return;
    if (waves.thread() < counts.quads)
      counts.put(waves.thread(), tile, masks.count(waves.thread()));
    waves.sync_wave();
    if (waves.lane() == 0) meeting.arrive(tile == 0 && waves.wave() == 0);
  }

  /// What the first thread says.
  template <class Say>
  [[nodiscard]] __device__ __forceinline__ std::int32_t first_says(Say say) {
    if (waves.thread() == 0) found[0] = say();
    waves.sync();
    return found[0];
  }
  enum class Met : std::int32_t { all, all_but_left, not_all };
  [[nodiscard]] __device__ __forceinline__ Met meet_all() {
    return static_cast<Met>(first_says([&] {
      if (!meeting.wait(patience)) return static_cast<std::int32_t>(Met::not_all);
      return static_cast<std::int32_t>(meeting.are_missing() ? Met::all_but_left : Met::all);
    }));
  }

  /// Sets rows and, for the tile `of`, before.
  __device__ __forceinline__ void sum_tiles(std::int32_t of) {
    counts.sum(waves, of, rows, before);
    waves.sync();
  }

  /// The tile's experts go to the plan: visit(i, expert, rank in the tile) for its i-th pair.
  template <class Visit>
  __device__ __forceinline__ void for_pairs(std::int32_t live, Visit visit) const {
#pragma unroll 1
    for (std::int32_t i = waves.thread(); i < live * plan.top_k; i += waves.num_threads()) {
      const std::int32_t e = chosen.chosen[i];
      plan.selected_ids[first_pair + i] = ExpertId{e};
      visit(i, e, masks.count_before(e, i / plan.top_k));
    }
  }

  /// A pair of the tile that `before` is for.
  __device__ __forceinline__ void place(std::int32_t pair, std::int32_t e,
                                        std::int32_t rank) const {
    placer.place(pair, pair / plan.top_k, e, before[e] + rank);
  }

  /// Has waited for long: whether the block has left, and others place its pairs.
  [[nodiscard]] __device__ __forceinline__ bool leaves(std::int32_t live) {
    for_pairs(live, [&](std::int32_t i, std::int32_t /*e*/, std::int32_t rank) {
      plan.pairs_by_token[first_pair + i] = PackedRow{rank};
    });
    waves.sync();
    return first_says([&] {
             const bool has_left = meeting.leave();
             if (has_left) atomicOr(&left_tiles[tile / 32], 1U << (tile % 32));
             return has_left ? 1 : 0;
           }) != 0;
  }

  /// A tile whose block had left, which is this block's from now on; -1: none is left. One thread.
  [[nodiscard]] __device__ __forceinline__ std::int32_t take_left() {
#pragma unroll 1
    for (; meeting.are_missing(); meeting.look())
#pragma unroll 1
      for (std::int32_t word = 0; word < kMaxGridTiles / 32; ++word) {
        const std::uint32_t tiles_left = atomicOr(&left_tiles[word], 0U);
        const std::uint32_t bit = tiles_left & (~tiles_left + 1);  // the lowest
        if (bit == 0 || (atomicAnd(&left_tiles[word], ~bit) & bit) == 0) continue;
        meeting.replace();
        return 32 * word + __ffs(static_cast<int>(bit)) - 1;
      }
    return -1;
  }

  /// Places the pairs of tiles whose blocks had left.
  __device__ __forceinline__ void place_left() {
#pragma unroll 1
    while (true) {
      const std::int32_t of = first_says([&] { return take_left(); });
      if (of < 0) return;
      sum_tiles(of);
      const std::int32_t first = of * tiles.tokens;
      const std::int32_t last_pair = (first + chosen.live_tokens(first)) * plan.top_k;
#pragma unroll 1
      for (std::int32_t pair = first * plan.top_k + waves.thread(); pair < last_pair;
           pair += waves.num_threads())
        place(pair, value_of(plan.selected_ids[pair]), value_of(plan.pairs_by_token[pair]));
      padder.pad(of, waves.thread());
      waves.sync();  // before has been read
    }
  }
};

}  // namespace switchyard::kernels::sm90
