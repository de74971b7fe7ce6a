// SPDX-License-Identifier: Apache-2.0
// From the rows of each expert to the plan: offsets, the padded order, and where a pair goes. No
// search: the first pair of a block names the block's expert, and padding follows an expert's rows.
#pragma once

#include <utility>

#include "kernels/elements.hpp"
#include "kernels/plan/params.hpp"
#include "kernels/simt.hpp"

namespace switchyard::kernels::simt {

/// Shared memory of a Placer.
[[nodiscard]] constexpr std::size_t placer_bytes(const PlanParams& plan,
                                                 std::int64_t waves) noexcept {
  return shared_bytes<SumPair>(plan.num_local_experts + 1) + shared_bytes<SumPair>(waves);
}

template <class Ctx>
struct Placer {
  template <class T>
  using Shared = decltype(std::declval<Ctx&>().template shared<T>(0));

  Ctx& ctx;
  const PlanParams& plan;
  const std::int32_t experts;
  const int block_bits;       // block_size is 1 << block_bits
  Shared<SumPair> starts;     // [experts + 1] the first row and the first slot of an expert
  Shared<SumPair> wave_sums;  // [waves]

  SWITCHYARD_FN Placer(Ctx& ctx_in, const PlanParams& plan_in, int block_bits_in)
      : ctx(ctx_in),
        plan(plan_in),
        experts(plan_in.num_local_experts),
        block_bits(block_bits_in),
        starts(ctx.template shared<SumPair>(experts + 1)),
        wave_sums(ctx.template shared<SumPair>(ctx.num_waves())) {}

  /// Sets `starts` from the rows of each expert; the block sees them. With `publish`, also the
  /// offsets and the total of the plan.
  template <class RowsOf>
  SWITCHYARD_FN void scan(RowsOf rows_of, bool publish) {
    const SumPair total = block_scan(
        ctx, wave_sums, experts, [&](std::int32_t e) { return padded(rows_of(e)); },
        [&](std::int32_t e, const SumPair& start) { put_start(e, start, publish); });
    if (ctx.thread() == 0) put_total(total, publish);
    ctx.sync();
  }

  /// The same by one wave, which sees `starts`. Neighbouring experts are a lane's, no more than the
  /// lanes have to have.
  template <class RowsOf>
  SWITCHYARD_FN void scan_by_wave(RowsOf rows_of, bool publish) {
    constexpr int kPerLane = 4;
    const std::int32_t needed = (experts + Ctx::kWave - 1) / Ctx::kWave;
    const std::int32_t per_lane = needed < kPerLane ? needed : kPerLane;
    SumPair carry{0, 0};
    SWITCHYARD_ROLLED
    for (std::int32_t base = 0; base < experts; base += per_lane * Ctx::kWave) {
      const std::int32_t first = base + ctx.lane() * per_lane;
      const std::int32_t last = first + per_lane < experts ? first + per_lane : experts;
      SumPair in_lane[kPerLane];  // of the lane's experts before
      SumPair own{0, 0};
      std::int32_t rows[kPerLane];
      for (int j = 0; j < kPerLane; ++j) rows[j] = first + j < last ? rows_of(first + j) : 0;
      for (int j = 0; j < kPerLane; ++j) {
        in_lane[j] = own;
        own = own + padded(rows[j]);
      }
      const SumPair through = wave_inclusive_sum(ctx, own);
      const SumPair before = carry + through - own;
      for (int j = 0; j < kPerLane; ++j)
        if (first + j < last) put_start(first + j, before + in_lane[j], publish);
      carry = carry + ctx.shuffle(through, Ctx::kWave - 1);
    }
    if (ctx.lane() == 0) put_total(carry, publish);
    ctx.sync_wave();
  }

  /// The offsets and the total of the plan, where no scan published them; shared out over `count`
  /// threads.
  SWITCHYARD_FN void publish(std::int32_t thread, std::int32_t count) const {
    SWITCHYARD_ROLLED
    for (std::int32_t e = thread; e <= experts; e += count) {
      const SumPair start = starts[e];
      plan.expert_offsets[e] = PackedRow{start.first};
      if (e == experts) *plan.total_post_pad = start.second;
    }
  }

  /// Pair `pair`, of token `token`, is number `rank` of expert e; e = -1: it is skipped.
  SWITCHYARD_FN void place(std::int64_t pair, std::int32_t token, std::int32_t e,
                           std::int32_t rank) const {
    if (e < 0) {
      plan.pairs_by_token[pair] = kSkippedPair;
      return;
    }
    const SumPair start = starts[e];
    const std::int32_t row = start.first + rank;
    const std::int32_t slot = start.second + rank;
    plan.pairs_by_token[pair] = PackedRow{row};
    plan.packed_token_idx[row] = TokenIndex{token};
    plan.sorted_tokens[slot] = PackedRow{row};
    if ((rank & (plan.block_size - 1)) == 0) plan.block_ids[slot >> block_bits] = ExpertId{e};
  }

  [[nodiscard]] SWITCHYARD_FN PackedRow no_row() const {
    return PackedRow{plan.num_tokens * plan.top_k};
  }

  /// The padding of all experts, shared out over `count` threads.
  SWITCHYARD_FN void pad_all(std::int32_t thread, std::int32_t count) const {
    SWITCHYARD_ROLLED
    for (std::int32_t i = thread; i < experts << block_bits; i += count) {
      const SumPair start = starts[i >> block_bits];
      const SumPair next = starts[(i >> block_bits) + 1];
      const std::int32_t slot =
          start.second + (next.first - start.first) + (i & (plan.block_size - 1));
      if (slot < next.second) plan.sorted_tokens[slot] = no_row();
    }
  }

  /// What is beyond the rows, slots, blocks and live pairs, shared out over `count` threads.
  SWITCHYARD_FN void fill_tails(std::int32_t thread, std::int32_t count) const {
    fill_from(starts[experts], thread, count);
  }

  /// All of it, as if there were no rows: before they are placed, in place of padding and tails.
  SWITCHYARD_FN void fill_all(std::int32_t thread, std::int32_t count) const {
    fill_from({0, 0}, thread, count);
  }

 private:
  /// The rows and the slots of an expert.
  [[nodiscard]] SWITCHYARD_FN SumPair padded(std::int32_t rows) const {
    const std::int32_t padding = plan.block_size - 1;
    return {rows, (rows + padding) & ~padding};
  }
  SWITCHYARD_FN void put_start(std::int32_t e, const SumPair& start, bool publish) {
    starts[e] = start;
    if (publish) plan.expert_offsets[e] = PackedRow{start.first};
  }
  SWITCHYARD_FN void put_total(const SumPair& total, bool publish) {
    put_start(experts, total, publish);
    if (publish) *plan.total_post_pad = total.second;
  }

  /// From the first row and slot that nothing is placed at.
  SWITCHYARD_FN void fill_from(const SumPair& end, std::int32_t thread, std::int32_t count) const {
    const auto fill = [&](std::int32_t first, std::int32_t last, auto put) {
      SWITCHYARD_ROLLED
      for (std::int64_t i = std::int64_t{first} + thread; i < last; i += count) put(i);
    };
    fill(end.second, plan.slot_capacity,
         [&](std::int64_t slot) { plan.sorted_tokens[slot] = no_row(); });
    fill(end.second >> block_bits, plan.block_capacity,
         [&](std::int64_t block) { plan.block_ids[block] = kNoExpert; });
    fill(end.first, plan.pair_capacity,
         [&](std::int64_t row) { plan.packed_token_idx[row] = kNoToken; });
    fill(live_count(plan.live_tokens, plan.num_tokens) * plan.top_k, plan.pair_capacity,
         [&](std::int64_t pair) {
           plan.selected_ids[pair] = kNoExpert;
           plan.pair_weights[pair] = 0.0F;
           plan.pairs_by_token[pair] = kSkippedPair;
         });
  }
};

}  // namespace switchyard::kernels::simt
