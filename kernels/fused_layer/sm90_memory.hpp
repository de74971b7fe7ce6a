// SPDX-License-Identifier: Apache-2.0
// Shared memory of a block of the fused layer kernel for sm_90.
#pragma once

#include <cstdint>

#include "kernels/fused_layer/sm90_shape.hpp"

namespace switchyard::kernels::sm90 {

inline constexpr std::uint16_t kNone16 = 0xffff;

/// The plan of a call. A group is at most 8 * FusedBuild::tiles packed rows of one expert, what a
/// warp holds activations of; an expert with more rows is several groups.
struct alignas(16) SharedPlan {
  static constexpr int kMaxGroups = kFusedMaxExperts + kFusedMaxPairs / 8;

  std::int32_t num_groups;
  std::int32_t num_rows;
  std::int32_t warp_groups[kFusedWarps];  // groups of the experts that a warp looks at
  float pair_weight[kFusedMaxPairs];
  std::uint16_t group_expert[kMaxGroups];
  std::uint16_t group_row[kMaxGroups + 8];    // first packed row; [num_groups] = num_rows
  std::uint16_t pair_expert[kFusedMaxPairs];  // where down has a bias: local
  std::uint16_t pair_row[kFusedMaxPairs];     // packed row, or kNone16: skipped
  std::uint16_t row_pair[kFusedMaxPairs];
  std::uint16_t row_token[kFusedMaxPairs];
};

/// A stack of expert matrices in swizzled_tiles.
struct WeightStack {
  const char* data;
  std::int32_t row_tiles;  // of one expert
  std::int32_t pieces;     // along a row
  std::int32_t strips;     // of one expert that hold rows
};

/// How the grid shares the units of gate_up. A unit is a strip of a group's expert: unit / strips
/// is the group. The first `dealt` tickets are worth `share` units each, those behind them `size`.
struct UnitShare {
  std::int32_t num_units;
  std::int32_t dealt;
  std::int32_t share;
  std::int32_t size;
};

/// Tickets that a block has drawn, each posted as (its number in the block % 128) << 24 | ticket.
inline constexpr int kNoMoreTickets = 0xffffff;
inline constexpr int kUnitPosts = 16;
/// More than strips that the warps' streams can be ahead of the math.
inline constexpr int kStripPosts = 64;
static_assert(kFusedWarps * (kMaxRing + 2) < kStripPosts);
/// Items of down that a warp has drawn and not done: no more than stages in its ring, and one.
inline constexpr int kItemQueue = 8;
static_assert(kItemQueue > kMaxRing);

/// Where a warp's stream is.
struct StreamCursor {
  std::int32_t first_piece;  // the warp's share of a strip of gate_up
  std::int32_t num_pieces;
  std::int32_t units_left;  // of the ticket; the next one:
  std::int32_t group;
  std::int32_t strip;
  std::int32_t drawn;  // tickets that this stream has seen
  bool in_down;
  bool exhausted;
  std::int32_t strips;     // of down, that this stream has seen
  std::int32_t strip_end;  // where the items of the last of them end
  std::int32_t num_items;  // drawn so far
  std::int32_t items[kItemQueue];
};

/// What the streams of a block share.
struct alignas(16) StreamMemory {
  WeightStack gate_up;
  WeightStack down;
  std::uint32_t* unit_tickets;  // the grid's counters
  std::uint32_t* strip_tickets;
  Divisor strips;  // of gate_up
  Divisor down_split;
  UnitShare units;
  std::uint32_t pending;     // the next unit ticket, drawn ahead
  std::int32_t strip_items;  // items of one strip of down
  std::int32_t items_drawn;
  std::int32_t unit_posts[kUnitPosts];
  std::int32_t strip_posts[kStripPosts];
  StreamCursor cursors[kFusedWarps];
};

/// Shared memory of a block, in bytes from its start.
struct FusedMemory {
  static constexpr int kWorkBytes = kFusedMaxPairs * kStripRows * 4;
  static constexpr int kPlan = 0;
  static constexpr int kBarriers = (sizeof(SharedPlan) + 127) / 128 * 128;
  static constexpr int kStream = kBarriers + kFusedWarps * kMaxRing * 8;
  static constexpr int kWork = (kStream + sizeof(StreamMemory) + 127) / 128 * 128;
  static constexpr int kRing = (kWork + kWorkBytes + 1023) / 1024 * 1024;

  [[nodiscard]] static constexpr int bytes(int ring) {
    return kRing + kFusedWarps * ring * kStageBytes;
  }
};
static_assert(FusedMemory::bytes(kMaxRing) <= 227 * 1024);

}  // namespace switchyard::kernels::sm90
