// SPDX-License-Identifier: Apache-2.0
// From the counts of all tiles to where each tile starts within each expert.
#pragma once

#include <string_view>

#include "kernels/route_plan/params.hpp"
#include "kernels/simt.hpp"

namespace switchyard::kernels::simt {

/// Rows of expert e in a word of counts.
[[nodiscard]] constexpr std::int32_t count_of(std::uint32_t word, std::int32_t e) noexcept {
  return static_cast<std::int32_t>((word >> (16 * (e % 2))) & 0xffffU);
}

/// The counts of all tiles, and what follows from them.
struct TileCounts {
  const PlanParams& plan;
  const std::int32_t tiles;
  const std::int32_t words;

  SWITCHYARD_FN explicit TileCounts(const RoutePlanParams& params)
      : plan(params.plan), tiles(params.tiles.count), words(params.tiles.words) {}

  [[nodiscard]] SWITCHYARD_FN std::uint32_t word(std::int32_t tile, std::int32_t w) const {
    return static_cast<std::uint32_t>(plan.scratch[std::int64_t{tile} * words + w]);
  }
  /// [experts] where tile `tile` starts within each expert; number `tiles`: rows of each expert.
  /// There are such where there are many tiles.
  [[nodiscard]] SWITCHYARD_FN std::int32_t* starts(std::int32_t tile) const {
    return plan.scratch + std::int64_t{tiles} * words + std::int64_t{tile} * plan.num_local_experts;
  }
  /// Of the two experts of a word.
  SWITCHYARD_FN void put_starts(std::int32_t tile, std::int32_t w, const SumPair& both) const {
    std::int32_t* const of = starts(tile) + 2 * w;
    of[0] = both.first;
    if (2 * w + 1 < plan.num_local_experts) of[1] = both.second;
  }
};

/// Many tiles: turns their counts into TileCounts::starts. A block has kWords words, its threads
/// kGroups runs of tiles of each; neighbours have neighbouring words. A thread sums its run, the
/// block scans the sums, and the threads go through their runs once more.
struct ScanTilesBody {
  using Params = RoutePlanParams;
  static constexpr std::string_view kName = "scan_tiles";
  static constexpr std::int32_t kWords = 8;
  static constexpr std::int32_t kGroups = kMaxThreads / kWords;

  [[nodiscard]] static LaunchShape shape(const Params& params, int wave_size) noexcept {
    return {
        ceil_div(params.tiles.words, kWords), kMaxThreads,
        shared_bytes<SumPair>(kMaxThreads + 1) + shared_bytes<SumPair>(kMaxThreads / wave_size)};
  }

  template <class Ctx>
  SWITCHYARD_FN static void run(Ctx& ctx, const Params& params) {
    auto sums = ctx.template shared<SumPair>(kMaxThreads + 1);  // [kWords, kGroups], the total
    auto wave_sums = ctx.template shared<SumPair>(ctx.num_waves());
    const TileCounts counts(params);
    const std::int32_t in_block = ctx.thread() % kWords;
    const std::int32_t group = ctx.thread() / kWords;
    const std::int32_t word = static_cast<std::int32_t>(ctx.block()) * kWords + in_block;
    const std::int32_t run = (counts.tiles + kGroups - 1) / kGroups;
    const std::int32_t first = group * run;
    const std::int32_t end = first + run < counts.tiles ? first + run : counts.tiles;
    const std::int32_t last = word < counts.words ? end : first;

    SumPair own{0, 0};
    walk(counts, word, first, last, [&](std::int32_t, const SumPair& rows) { own = own + rows; });
    const std::int32_t place = in_block * kGroups + group;
    sums[place] = own;
    ctx.sync();
    const SumPair total = block_scan(
        ctx, wave_sums, kMaxThreads, [&](std::int32_t i) -> SumPair { return sums[i]; },
        [&](std::int32_t i, const SumPair& before) { sums[i] = before; });
    if (ctx.thread() == 0) sums[kMaxThreads] = total;
    ctx.sync();
    const SumPair before_word = sums[in_block * kGroups];
    const SumPair after_word = sums[(in_block + 1) * kGroups];
    const SumPair before = sums[place];
    SumPair start = before - before_word;
    walk(counts, word, first, last, [&](std::int32_t tile, const SumPair& rows) {
      counts.put_starts(tile, word, start);
      start = start + rows;
    });
    if (group == 0 && word < counts.words)
      counts.put_starts(counts.tiles, word, after_word - before_word);
  }

 private:
  /// visit(tile, rows of the word's two experts in it) for the tiles of a run, several loads at
  /// once.
  template <class Visit>
  SWITCHYARD_FN static void walk(const TileCounts& counts, std::int32_t word, std::int32_t first,
                                 std::int32_t last, Visit visit) {
    constexpr int kAtOnce = 16;
    SWITCHYARD_ROLLED
    for (std::int32_t base = first; base < last; base += kAtOnce) {
      std::uint32_t words[kAtOnce];
      for (int j = 0; j < kAtOnce; ++j)
        words[j] = base + j < last ? counts.word(base + j, word) : 0U;
      for (int j = 0; j < kAtOnce; ++j)
        if (base + j < last) visit(base + j, SumPair{count_of(words[j], 0), count_of(words[j], 1)});
    }
  }
};

}  // namespace switchyard::kernels::simt
