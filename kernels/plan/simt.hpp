// SPDX-License-Identifier: Apache-2.0
// The SIMT bodies of stage "plan": a stable counting sort by expert that uses no atomics. A wave
// walks the pairs of its tile in order; equal experts within the wave find each other by ballots,
// so a pair's rank is a population count. Up to one tile of pairs the whole stage is one block
// (PlanBlockBody); above, tiles are counted, scanned and scattered by launches of their own.
#pragma once

#include <string_view>

#include "kernels/elements.hpp"
#include "kernels/plan/params.hpp"
#include "kernels/simt.hpp"

namespace switchyard::kernels::simt {

/// What the launches of the stage share.
template <class Ctx>
struct PlanSteps {
  Ctx& ctx;
  const PlanParams& params;

  [[nodiscard]] SWITCHYARD_FN std::int64_t num_pairs() const {
    return std::int64_t{params.num_tokens} * params.top_k;
  }
  [[nodiscard]] SWITCHYARD_FN std::int64_t live_pairs() const {
    return std::int64_t{live_count(params.live_tokens, params.num_tokens)} * params.top_k;
  }

  /// Row of scratch: rows per expert of a tile; behind the last tile the padded prefix sum.
  [[nodiscard]] SWITCHYARD_FN std::int32_t* scratch_row(std::int64_t tile) const {
    return params.scratch + tile * (params.num_local_experts + 1);
  }
  [[nodiscard]] SWITCHYARD_FN std::int32_t* padded_offsets() const {
    return scratch_row(plan_tiles(num_pairs()));
  }

  /// The local expert of a live pair, or -1: skipped.
  [[nodiscard]] SWITCHYARD_FN std::int32_t local_expert(std::int64_t pair) const {
    const std::int32_t id = value_of(params.selected_ids[pair]);
    if (id < 0 || id >= params.num_experts) return -1;
    const std::int32_t local = params.expert_map == nullptr ? id : params.expert_map[id];
    return local < params.num_local_experts ? local : -1;
  }

  /// One wave walks the live pairs of a tile in order. cursors[e] counts on by the pairs of expert
  /// e; place(pair, row) gets each pair with its cursor's value, -1 for a skipped one.
  template <class Cursors, class Place>
  SWITCHYARD_FN void walk_tile(std::int64_t tile, Cursors& cursors, Place place) {
    const int bits = bits_for(params.num_local_experts);
    const std::int64_t size = plan_tile_pairs(num_pairs());
    const std::int64_t first = tile * size;
    const std::int64_t last = first + size < live_pairs() ? first + size : live_pairs();
    for (std::int64_t base = first; base < last; base += Ctx::kWave) {
      const std::int64_t pair = base + ctx.lane();
      const std::int32_t e = pair < last ? local_expert(pair) : -1;
      const std::uint64_t same = wave_match(ctx, e >= 0, static_cast<std::uint32_t>(e), bits);
      const int rank = ctx.popcount(same & lanes_below(ctx.lane()));
      const std::int32_t start = e < 0 ? 0 : std::int32_t{cursors[e]};
      ctx.sync_wave();
      if (e >= 0 && rank == 0) cursors[e] = start + ctx.popcount(same);
      ctx.sync_wave();
      if (pair < last) place(pair, e < 0 ? -1 : start + rank);
    }
  }

  SWITCHYARD_FN void place_pair(std::int64_t pair, std::int32_t row) const {
    params.pairs_by_token[pair] = PackedRow{row};
    if (row >= 0)
      params.packed_token_idx[row] = TokenIndex{static_cast<std::int32_t>(pair / params.top_k)};
  }

  /// One wave turns rows per expert into expert_offsets, the padded prefix sum and total_post_pad.
  template <class RowsOf>
  SWITCHYARD_FN void scan_experts(RowsOf rows_of) {
    const std::int32_t experts = params.num_local_experts;
    const std::int32_t bs = params.block_size;
    std::int32_t* const padded = padded_offsets();
    const std::int32_t rows = wave_scan(
        ctx, experts, rows_of,
        [this](std::int32_t e, std::int32_t sum) { params.expert_offsets[e] = PackedRow{sum}; });
    const std::int32_t slots = wave_scan(
        ctx, experts, [&](std::int32_t e) { return (rows_of(e) + bs - 1) / bs * bs; },
        [padded](std::int32_t e, std::int32_t sum) { padded[e] = sum; });
    if (ctx.lane() != 0) return;
    params.expert_offsets[experts] = PackedRow{rows};
    padded[experts] = slots;
    *params.total_post_pad = slots;
  }

  /// The expert whose padded slots hold `slot`, which is below the total: the last e with
  /// padded[e] <= slot that owns slots.
  [[nodiscard]] SWITCHYARD_FN std::int32_t expert_of_slot(std::int32_t slot) const {
    const std::int32_t* const padded = padded_offsets();
    std::int32_t low = 0;
    std::int32_t high = params.num_local_experts;
    while (high - low > 1) {
      const std::int32_t middle = (low + high) / 2;
      if (padded[middle] <= slot) {
        low = middle;
      } else {
        high = middle;
      }
    }
    return low;
  }

  SWITCHYARD_FN void fill_slot(std::int32_t slot) const {
    const bool used = slot < padded_offsets()[params.num_local_experts];
    const std::int32_t e = used ? expert_of_slot(slot) : -1;
    std::int32_t row = static_cast<std::int32_t>(num_pairs());
    if (used) {
      const std::int32_t in_expert = slot - padded_offsets()[e];
      const std::int32_t candidate = value_of(params.expert_offsets[e]) + in_expert;
      if (candidate < value_of(params.expert_offsets[e + 1])) row = candidate;
    }
    if (slot < params.slot_capacity) params.sorted_tokens[slot] = PackedRow{row};
    const std::int32_t block = slot / params.block_size;
    if (slot % params.block_size == 0 && block < params.block_capacity)
      params.block_ids[block] = ExpertId{e};
  }

  /// Slots, blocks and the tails of the pair buffers, shared out over `count` threads.
  SWITCHYARD_FN void fill_rest(std::int64_t thread, std::int64_t count) const {
    const std::int64_t blocks_end = std::int64_t{params.block_capacity} * params.block_size;
    const std::int64_t slots =
        params.slot_capacity > blocks_end ? params.slot_capacity : blocks_end;
    for (std::int64_t slot = thread; slot < slots; slot += count)
      fill_slot(static_cast<std::int32_t>(slot));
    for (std::int64_t p = live_pairs() + thread; p < params.pair_capacity; p += count) {
      params.selected_ids[p] = kNoExpert;
      params.pair_weights[p] = 0.0F;
      params.pairs_by_token[p] = kSkippedPair;
    }
    const std::int64_t rows = value_of(params.expert_offsets[params.num_local_experts]);
    for (std::int64_t r = rows + thread; r < params.pair_capacity; r += count)
      params.packed_token_idx[r] = kNoToken;
  }
};

/// The whole stage in one block, for one tile of pairs.
struct PlanBlockBody {
  using Params = PlanParams;
  static constexpr std::string_view kName = "plan_block";

  template <class Ctx>
  SWITCHYARD_FN static void run(Ctx& ctx, const PlanParams& params) {
    PlanSteps<Ctx> steps{ctx, params};
    auto cursors = ctx.template shared<std::int32_t>(params.num_local_experts);
    for (std::int32_t e = ctx.thread(); e < params.num_local_experts; e += ctx.num_threads())
      cursors[e] = 0;
    ctx.sync();
    if (ctx.wave() == 0) {
      steps.walk_tile(0, cursors, [](std::int64_t, std::int32_t) {});
      steps.scan_experts([&](std::int32_t e) { return std::int32_t{cursors[e]}; });
      for (std::int32_t e = ctx.lane(); e < params.num_local_experts; e += Ctx::kWave)
        cursors[e] = value_of(params.expert_offsets[e]);
      ctx.sync_wave();
      steps.walk_tile(0, cursors,
                      [&](std::int64_t pair, std::int32_t row) { steps.place_pair(pair, row); });
    }
    ctx.sync();
    steps.fill_rest(ctx.thread(), ctx.num_threads());
  }
};

/// Rows per (tile, expert), one wave per tile.
struct PlanCountBody {
  using Params = PlanParams;
  static constexpr std::string_view kName = "plan_count";

  template <class Ctx>
  SWITCHYARD_FN static void run(Ctx& ctx, const PlanParams& params) {
    PlanSteps<Ctx> steps{ctx, params};
    auto cursors = ctx.template shared<std::int32_t>(params.num_local_experts);
    for (std::int32_t e = ctx.lane(); e < params.num_local_experts; e += Ctx::kWave) cursors[e] = 0;
    ctx.sync_wave();
    steps.walk_tile(ctx.block(), cursors, [](std::int64_t, std::int32_t) {});
    std::int32_t* const counts = steps.scratch_row(ctx.block());
    for (std::int32_t e = ctx.lane(); e < params.num_local_experts; e += Ctx::kWave)
      counts[e] = cursors[e];
  }
};

/// Per expert: the tiles' rows become each tile's start within the expert; then the scan over
/// experts.
struct PlanScanBody {
  using Params = PlanParams;
  static constexpr std::string_view kName = "plan_scan";

  template <class Ctx>
  SWITCHYARD_FN static void run(Ctx& ctx, const PlanParams& params) {
    PlanSteps<Ctx> steps{ctx, params};
    auto rows = ctx.template shared<std::int32_t>(params.num_local_experts);
    const std::int64_t tiles = plan_tiles(steps.num_pairs());
    for (std::int32_t e = ctx.thread(); e < params.num_local_experts; e += ctx.num_threads()) {
      std::int32_t sum = 0;
      for (std::int64_t tile = 0; tile < tiles; ++tile) {
        std::int32_t* const count = steps.scratch_row(tile) + e;
        const std::int32_t own = *count;
        *count = sum;
        sum += own;
      }
      rows[e] = sum;
    }
    ctx.sync();
    if (ctx.wave() == 0) steps.scan_experts([&](std::int32_t e) { return std::int32_t{rows[e]}; });
  }
};

/// Places the pairs of a tile, one wave per tile.
struct PlanScatterBody {
  using Params = PlanParams;
  static constexpr std::string_view kName = "plan_scatter";

  template <class Ctx>
  SWITCHYARD_FN static void run(Ctx& ctx, const PlanParams& params) {
    PlanSteps<Ctx> steps{ctx, params};
    auto cursors = ctx.template shared<std::int32_t>(params.num_local_experts);
    const std::int32_t* const starts = steps.scratch_row(ctx.block());
    for (std::int32_t e = ctx.lane(); e < params.num_local_experts; e += Ctx::kWave)
      cursors[e] = value_of(params.expert_offsets[e]) + starts[e];
    ctx.sync_wave();
    steps.walk_tile(ctx.block(), cursors,
                    [&](std::int64_t pair, std::int32_t row) { steps.place_pair(pair, row); });
  }
};

/// Slots, blocks and tails.
struct PlanFillBody {
  using Params = PlanParams;
  static constexpr std::string_view kName = "plan_fill";

  template <class Ctx>
  SWITCHYARD_FN static void run(Ctx& ctx, const PlanParams& params) {
    const PlanSteps<Ctx> steps{ctx, params};
    steps.fill_rest(std::int64_t{ctx.block()} * ctx.num_threads() + ctx.thread(),
                    std::int64_t{ctx.num_blocks()} * ctx.num_threads());
  }
};

/// Calls launch.template operator()<Body>(shape, params) for every launch of the stage.
template <class Launch>
void launch_all(const PlanParams& params, int wave_size, Launch&& launch) {
  constexpr int kThreads = 256;
  const std::int64_t tiles = plan_tiles(std::int64_t{params.num_tokens} * params.top_k);
  const std::size_t bytes = shared_bytes<std::int32_t>(params.num_local_experts);
  if (tiles == 1) {
    launch.template operator()<PlanBlockBody>(LaunchShape{1, kThreads, bytes}, params);
    return;
  }
  const LaunchShape by_tile{tiles, wave_size, bytes};
  const std::int64_t elements =
      params.slot_capacity > params.pair_capacity ? params.slot_capacity : params.pair_capacity;
  launch.template operator()<PlanCountBody>(by_tile, params);
  launch.template operator()<PlanScanBody>(LaunchShape{1, kThreads, bytes}, params);
  launch.template operator()<PlanScatterBody>(by_tile, params);
  launch.template operator()<PlanFillBody>(
      LaunchShape{blocks_for(ceil_div(elements, kThreads)), kThreads, 0}, params);
}

}  // namespace switchyard::kernels::simt
