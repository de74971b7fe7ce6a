// SPDX-License-Identifier: Apache-2.0
// Stage "route_plan" in one launch, by blocks that are on the device at the same time. A block
// selects for a tile of tokens; which of them chose an expert is a mask of bits in its shared
// memory, so that the rows of an expert and a pair's rank among them are counts of bits. Its first
// warps leave the rows of each expert in device memory and arrive at a meeting of all blocks. While
// the others arrive the block weighs. Then each warp reads the counts of all tiles for an expert at
// once and sums them, and those of the tiles before its own; the block finds where each expert
// starts, and places its pairs.
//
// No block relies on another to be on the device. One that has waited for long leaves the ranks of
// its pairs in device memory, and its place to blocks that have yet to come; of those that find all
// tiles counted, some place its pairs.
#pragma once

#include <cstdint>
#include <utility>

#include "kernels/route_plan/params.hpp"
#include "kernels/route_plan/simt.hpp"
#include "kernels/route_plan/simt_place.hpp"
#include "kernels/route_plan/simt_routed_tile.hpp"
#include "kernels/route_plan/simt_scan.hpp"
#include "kernels/route_plan/sm90_grid_shape.hpp"
#include "kernels/sm90/meeting.cuh"

namespace switchyard::kernels::sm90 {

template <int PerLane, simt::Ranking By>
struct RoutePlanGridBody {
  using Params = RoutePlanGridParams;
  static constexpr int kThreads = max_grid_threads(PerLane);

  template <class Ctx>
  struct Job {
    template <class T>
    using Shared = decltype(std::declval<Ctx&>().template shared<T>(0));
    using Tile = simt::ChosenTile<Ctx, PerLane, By>;

    Ctx& ctx;
    const RoutePlanParams& params;
    const RoutePlanTiles& tiles;
    const std::int32_t tile;     // the block's
    const std::int32_t first;    // token of the tile
    const std::int32_t experts;  // local: routed experts alone
    Tile chosen;
    Shared<std::uint32_t> masks;  // [mask_words, experts] bit per token of the tile
    Shared<std::int32_t> rows;    // [experts, rounded up to even] of the call
    Shared<std::int32_t> before;  // the same, of the tiles before this one
    Shared<std::int32_t> taken;   // [1] what take_left() gave
    simt::Placer<Ctx> placer;
    std::uint32_t* const left_tiles;  // GridMeeting::left_tiles
    const std::uint32_t patience;
    Meeting meeting;

    __device__ __forceinline__ Job(Ctx& ctx_in, const Params& params_in)
        : ctx(ctx_in),
          params(params_in.call),
          tiles(params.tiles),
          tile(static_cast<std::int32_t>(ctx.block())),
          first(tile * tiles.tokens),
          experts(params.plan.num_local_experts),
          chosen(ctx, params),
          masks(ctx.template shared<std::uint32_t>(mask_words(tiles.tokens) * experts)),
          rows(ctx.template shared<std::int32_t>(2 * tiles.words)),
          before(ctx.template shared<std::int32_t>(2 * tiles.words)),
          taken(ctx.template shared<std::int32_t>(1)),
          placer(ctx, params.plan, tiles.block_bits),
          left_tiles(params_in.meeting->left_tiles),
          patience(params_in.patience),
          meeting(&params_in.meeting->word,
                  static_cast<std::uint32_t>(tiles.count * publishing_waves())) {
#pragma unroll 1
      for (std::int32_t i = ctx.thread(); i < mask_words(tiles.tokens) * experts;
           i += ctx.num_threads())
        masks[i] = 0;
      ctx.sync();
    }

    __device__ __forceinline__ void run() {
      const std::int32_t live = chosen.live_tokens(first);
      simt::clear_counters(ctx, params);
      route(live);
      if (!__syncthreads_or(ctx.thread() == 0 && meeting.wait(patience) ? 1 : 0) && leaves(live))
        return;
      sum_tiles(tile);
      ctx.sync();
      placer.scan([&](std::int32_t e) { return rows[e]; }, tile == 0);
      place(tile, live, [&](std::int32_t pair) {
        const std::int32_t e = chosen.chosen[pair];
        return ExpertRank{e, count_before(e, pair / chosen.top_k)};
      });
      place_left();
    }

   private:
    /// A pair is number `rank` of expert `expert` in its tile.
    struct ExpertRank {
      std::int32_t expert;
      std::int32_t rank;
    };

    /// Which waves take which tokens of the tile. Of few, the first half of the waves selects and
    /// the other half weighs.
    struct Shift {
      bool is_apart;  // the two are
      bool weighs_alone;
      std::int32_t begin;  // the wave's first token
      std::int32_t step;   // to its next
    };
    [[nodiscard]] __device__ __forceinline__ Shift own_shift() const {
      const std::int32_t half = ctx.num_waves() / 2;
      const bool is_apart = tiles.tokens <= half;
      const bool weighs_alone = is_apart && ctx.wave() >= half;
      return {is_apart, weighs_alone, ctx.wave() - (weighs_alone ? half : 0),
              is_apart ? half : ctx.num_waves()};
    }

    /// Selects and weighs, and publishes the counts between the two.
    __device__ __forceinline__ void route(std::int32_t live) {
      const Shift shift = own_shift();
      const bool is_reloaded = tiles.tokens > ctx.num_waves();  // several tokens to a wave
      typename Tile::Router router(ctx, params.route);
#pragma unroll 1
      for (std::int32_t i = shift.begin; i < live; i += shift.step) {
        router.load(first + i);
        if (By == simt::Ranking::selections || shift.weighs_alone) router.prepare();
        if (shift.weighs_alone) continue;
        chosen.select(router, i);
        mark(i);
      }
      ctx.sync();
      publish();
      if (shift.is_apart && !shift.weighs_alone) return;
#pragma unroll 1
      for (std::int32_t i = shift.begin; i < live; i += shift.step) {
        if (is_reloaded) router.load(first + i);
        if (is_reloaded || (By == simt::Ranking::logits && !shift.weighs_alone)) router.prepare();
        chosen.weigh(router, first + i, i);
      }
    }

    /// Enters what token i chose.
    __device__ __forceinline__ void mark(std::int32_t i) const {
#pragma unroll 1
      for (std::int32_t k = ctx.lane(); k < chosen.top_k; k += Ctx::kWave)
        atomicOr(&masks[i / kMaskBits * experts + chosen.chosen[i * chosen.top_k + k]],
                 1U << (i % kMaskBits));
    }

    /// The tile's tokens before number i that chose expert e.
    [[nodiscard]] __device__ __forceinline__ std::int32_t count_before(std::int32_t e,
                                                                       std::int32_t i) const {
      std::int32_t count = 0;
#pragma unroll 1
      for (std::int32_t word = 0; word * kMaskBits < i; ++word) {
        const std::int32_t bits = i - word * kMaskBits;
        const std::uint32_t mask = masks[word * experts + e];
        count += __popc(bits < kMaskBits ? mask & ((1U << bits) - 1) : mask);
      }
      return count;
    }

    [[nodiscard]] __device__ __forceinline__ std::int32_t publishing_waves() const {
      const std::int32_t waves = (tiles.words + Ctx::kWave - 1) / Ctx::kWave;
      return waves < ctx.num_waves() ? waves : ctx.num_waves();
    }

    /// Counts of the tiles for the two experts of a word: [words, row_tiles].
    [[nodiscard]] __device__ __forceinline__ std::int32_t row_tiles() const {
      return (tiles.count + 3) & ~3;
    }
    [[nodiscard]] __device__ __forceinline__ std::int32_t* row_counts(std::int32_t w) const {
      return params.plan.scratch + w * row_tiles();
    }

    __device__ __forceinline__ void publish() {
      if (ctx.wave() >= publishing_waves()) return;
#pragma unroll 1
      for (std::int32_t w = ctx.thread(); w < tiles.words; w += ctx.num_threads()) {
        const std::int32_t own = count_before(2 * w, tiles.tokens);
        const std::int32_t next =
            2 * w + 1 < experts ? count_before(2 * w + 1, tiles.tokens) : 0;
        row_counts(w)[tile] = own | next << 16;
        if (tile + 1 == tiles.count)
          for (std::int32_t none = tiles.count; none < row_tiles(); ++none) row_counts(w)[none] = 0;
      }
      ctx.sync_wave();
      if (ctx.lane() == 0) meeting.arrive(tile == 0 && ctx.wave() == 0);
    }

    /// Sets rows, and before to those of the tiles before `own_tile`; a word to a warp.
    __device__ __forceinline__ void sum_tiles(std::int32_t own_tile) const {
      constexpr int kAtOnce = 4;
      const std::int32_t from = 4 * ctx.lane();  // tile
      const bool has_tiles = from < tiles.count;
#pragma unroll 1
      for (std::int32_t base = ctx.wave(); base < tiles.words; base += kAtOnce * ctx.num_waves()) {
        uint4 read[kAtOnce];
#pragma unroll
        for (int j = 0; j < kAtOnce; ++j) {
          const std::int32_t w = base + j * ctx.num_waves();
          read[j] = make_uint4(0, 0, 0, 0);
          if (has_tiles && w < tiles.words)
            read[j] = *reinterpret_cast<const uint4*>(row_counts(w) + from);
        }
#pragma unroll
        for (int j = 0; j < kAtOnce; ++j) {
          const std::int32_t w = base + j * ctx.num_waves();
          if (w >= tiles.words) break;
          const std::uint32_t own[4] = {read[j].x, read[j].y, read[j].z, read[j].w};
          std::uint32_t all = 0;
          std::uint32_t below = 0;
#pragma unroll
          for (int n = 0; n < 4; ++n) {  // sums of either half stay below 2^16
            all += from + n < tiles.count ? own[n] : 0U;
            below += from + n < own_tile ? own[n] : 0U;
          }
          all = __reduce_add_sync(0xffffffffU, all);
          below = __reduce_add_sync(0xffffffffU, below);
          if (ctx.lane() < 2) {
            rows[2 * w + ctx.lane()] = simt::count_of(all, ctx.lane());
            before[2 * w + ctx.lane()] = simt::count_of(below, ctx.lane());
          }
        }
      }
    }

    /// Places the pairs of the first `live` tokens of tile `of`, pair_of(i) the i-th, and does the
    /// tile's share of what no pair is placed at.
    template <class PairOf>
    __device__ __forceinline__ void place(std::int32_t of, std::int32_t live, PairOf pair_of) const {
      const std::int32_t count = ctx.num_threads();
      const std::int32_t first_token = of * tiles.tokens;
#pragma unroll 1
      for (std::int32_t i = ctx.thread(); i < live * chosen.top_k; i += count) {
        const ExpertRank pair = pair_of(i);
        placer.place(first_token * chosen.top_k + i, first_token + i / chosen.top_k, pair.expert,
                     before[pair.expert] + pair.rank);
      }
      placer.pad_all(of * count + ctx.thread(), tiles.count * count);
      placer.fill_tails(of * count + ctx.thread(), tiles.count * count);
    }

    /// Has waited for long: whether the block has left, and others place its pairs.
    __device__ __forceinline__ bool leaves(std::int32_t live) {
#pragma unroll 1
      for (std::int32_t i = ctx.thread(); i < live * chosen.top_k; i += ctx.num_threads()) {
        const std::int32_t rank = count_before(chosen.chosen[i], i / chosen.top_k);
        params.plan.pairs_by_token[first * chosen.top_k + i] = PackedRow{rank};
      }
      ctx.sync();
      const bool has_left = ctx.thread() == 0 && meeting.leave();
      if (has_left) atomicOr(&left_tiles[tile / 32], 1U << (tile % 32));
      return __syncthreads_or(has_left ? 1 : 0) != 0;
    }

    /// A tile whose block had left, which is this block's from now on; -1: none is left. One thread.
    __device__ __forceinline__ std::int32_t take_left() {
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

    /// Behind place(), places the pairs of tiles whose blocks had left.
    __device__ __forceinline__ void place_left() {
#pragma unroll 1
      while (true) {
        if (ctx.thread() == 0) taken[0] = take_left();
        ctx.sync();
        const std::int32_t of = taken[0];
        if (of < 0) return;
        sum_tiles(of);
        ctx.sync();
        const std::int32_t first_pair = of * tiles.tokens * chosen.top_k;
        place(of, chosen.live_tokens(of * tiles.tokens), [&](std::int32_t i) {
          return ExpertRank{value_of(params.plan.selected_ids[first_pair + i]),
                            value_of(params.plan.pairs_by_token[first_pair + i])};
        });
        ctx.sync();  // taken, before and rows have been read
      }
    }
  };
};

}  // namespace switchyard::kernels::sm90
