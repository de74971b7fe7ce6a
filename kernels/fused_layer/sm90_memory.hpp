// SPDX-License-Identifier: Apache-2.0
// Shared memory of a block of the fused layer kernel for sm_90.
#pragma once

#include <cstdint>

#include "kernels/fused_layer/sm90_shape.hpp"

namespace switchyard::kernels::sm90 {

inline constexpr std::uint16_t kNone16 = 0xffff;

/// Pairs that a block has room for.
template <Planning kPlanning>
inline constexpr int kMaxPairs = kPlanning == Planning::blocks ? kRoutedMaxPairs : kFusedMaxPairs;

/// The plan of a call. A group is at most 8 * FusedBuild::tiles packed rows of one expert, what a
/// warp holds activations of; an expert with more rows is several groups.
template <Planning kPlanning>
struct alignas(16) SharedPlan {
  static constexpr bool kRoutes = kPlanning == Planning::blocks;
  static constexpr int kPairs = kMaxPairs<kPlanning>;
  static constexpr int kMaxGroups = kRoutes ? kPairs : kFusedMaxExperts + kPairs / 8;

  std::int32_t num_groups;
  std::int32_t num_rows;
  std::int32_t warp_groups[kFusedWarps];  // groups of the experts that a warp looks at
  float pair_weight[kPairs];
  std::uint16_t group_expert[kMaxGroups];
  std::uint16_t group_row[kMaxGroups + 8];  // first packed row; [num_groups] = num_rows
  std::uint16_t pair_expert[kPairs];        // where down has a bias: local
  std::uint16_t pair_row[kPairs];           // packed row, or kNone16: skipped
  std::uint16_t row_pair[kPairs];
  std::uint16_t row_token[kPairs];
  // Where blocks route and tokens choose an expert once, by group and token: packed row, or -1.
  alignas(16) std::int16_t token_row[kRoutes ? kMaxGroups : 1][kRoutedMaxTokens];
};

/// A stack of expert matrices in swizzled_tiles.
struct alignas(16) WeightStack {
  const char* data;
  std::int32_t expert_tiles;  // of one expert
  std::int32_t pieces;        // along a row: tiles that lie together
};

/// How the grid shares the units of gate_up. A unit is a strip of a group's expert: unit / strips
/// is the group. The first `dealt` tickets are worth `share` units each, those behind them `size`.
struct alignas(16) UnitShare {
  std::int32_t num_units;
  std::int32_t dealt;
  std::int32_t share;
  std::int32_t size;
};

/// Tickets that a block has drawn: number i is at i % kSize, once the barrier beside it has
/// completed a phase for it.
template <int kCount>
struct alignas(8) TicketPosts {
  static constexpr int kSize = kCount;

  std::uint64_t posted[kCount];  // mbarriers
  std::int32_t tickets[kCount];
};
/// A slot is taken again no sooner than all warps have read it: more than units, and strips, that
/// the warps' streams can be ahead of the math.
using UnitPosts = TicketPosts<16>;
using StripPosts = TicketPosts<64>;
static_assert(kMaxRing + 2 < UnitPosts::kSize);
static_assert(kFusedWarps * (kMaxRing + 2) < StripPosts::kSize);
/// What the streams of a block share.
struct alignas(16) StreamMemory {
  WeightStack gate_up;
  WeightStack down;
  UnitShare units;
  Divisor gate_up_strips;  // of one expert
  Divisor down_split;
  std::uint32_t* unit_tickets;   // the grid's counters
  std::uint32_t* units_done;     // of this turn, [kMaxSections]
  std::uint32_t* strip_tickets;  // of strips beyond one per block
  std::int32_t num_unit_tickets;
  std::uint32_t last_unit_draw;   // of the grid
  std::uint32_t last_strip_draw;  // of the grid
  std::int32_t down_strips;
  std::int32_t strip_items;   // items of one strip of down
  std::int32_t strips_drawn;  // number of the last strip of the block that is drawn or being so
  UnitPosts unit_posts;
  StripPosts strip_posts;
  // Where down begins with sections:
  std::int32_t section_bits;             // a section is 2^bits groups
  std::int32_t own_units[kMaxSections];  // done by the block, and not counted by the grid

  // Where blocks route:
  bool leads;  // the block has drawn the launch's first ticket: it does what one has to do for all
};

/// What the router has of the work's memory, where blocks route: first a scratch that ends before
/// gate_up's partial sums begin, behind it what is read while they go on.
inline constexpr int kRouterScratchBytes = kRoutedMaxKeys * 4;
inline constexpr int kRouterBytes = 2048;

/// Shared memory of a block, in bytes from its start. Where blocks route, two of them have room on
/// a multiprocessor with kPairedRing stages per warp: the next launch's begin while this one's end.
template <Planning kPlanning>
struct FusedMemory {
  static constexpr int kSumBytes = kMaxPairs<kPlanning> * kStripRows * 4;
  static constexpr int kWorkBytes =
      kPlanning == Planning::blocks ? kRouterScratchBytes + kRouterBytes : kSumBytes;
  static_assert(kWorkBytes >= kSumBytes);

  static constexpr int kBarriers = 0;
  static constexpr int kStream = kBarriers + kFusedWarps * kMaxRing * 8;
  static constexpr int kPlan = (kStream + sizeof(StreamMemory) + 15) / 16 * 16;
  static constexpr int kWork = (kPlan + sizeof(SharedPlan<kPlanning>) + 127) / 128 * 128;
  // At odd multiples of 128 bytes copies into the ring are slower.
  static constexpr int kRing = (kWork + kWorkBytes + 1023) / 1024 * 1024;

  [[nodiscard]] static constexpr int bytes(int ring) {
    return kRing + kFusedWarps * ring * kStageBytes;
  }
};
static_assert(FusedMemory<Planning::stage>::bytes(kMaxRing) <= 227 * 1024);
static_assert(FusedMemory<Planning::blocks>::bytes(kMaxRing) <= 227 * 1024);
static_assert(FusedMemory<Planning::blocks>::bytes(kPairedRing) <= 113 * 1024);

}  // namespace switchyard::kernels::sm90
