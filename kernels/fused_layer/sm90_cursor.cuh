// SPDX-License-Identifier: Apache-2.0
// Which weights a warp reads next. The state is in shared memory and lane 0's alone, so that the
// code is there once and takes no registers of the math.
//
// All work is drawn by tickets from counters of the grid, none is a block's by its number: blocks
// of equal work finish a quarter apart, and a block that has not started yet owes nobody anything,
// so that the launch gets done whichever of its blocks are resident. Units of gate_up: the first
// tickets are worth an equal share of 55 % of the units, the others one or two units. Warp 0 draws
// when its stream gets there and posts what it drew; the others read the post. Strips of down: the
// warp that takes a strip's first item draws the next strip. Items, a group by a segment of the
// inner dimension of the block's strip, are drawn from a counter of the block. Who computes a unit,
// a strip or an item does not change its result.
#pragma once

#include <cstdint>

#include "kernels/fused_layer/sm90_memory.hpp"

namespace switchyard::kernels::sm90 {

[[nodiscard]] __device__ __forceinline__ SharedPlan& shared_plan() {
  extern __shared__ __align__(1024) char memory[];
  return *reinterpret_cast<SharedPlan*>(memory + FusedMemory::kPlan);
}
[[nodiscard]] __device__ __forceinline__ StreamMemory& stream_memory() {
  extern __shared__ __align__(1024) char memory[];
  return *reinterpret_cast<StreamMemory*>(memory + FusedMemory::kStream);
}

/// Pieces of one strip, which lie a tile apart.
struct Run {
  const char* source;
  int pieces;
};

[[nodiscard]] __device__ inline const char* piece_of(const WeightStack& stack, int expert,
                                                     int strip, int piece) {
  constexpr int kStripsPerTile = kTileRows / kStripRows;
  const std::int64_t tile =
      (std::int64_t{expert} * stack.row_tiles + strip / kStripsPerTile) * stack.pieces + piece;
  return stack.data + tile * kTileBytes + strip % kStripsPerTile * kPieceBytes;
}

/// Posts ticket number `sequence` of the block, kNoMoreTickets where it is not below `end`.
__device__ inline void post(std::int32_t* posts, int size, int sequence, std::uint32_t ticket,
                            int end) {
  const int value = ticket < static_cast<std::uint32_t>(end) ? static_cast<int>(ticket)
                                                             : kNoMoreTickets;
  const_cast<volatile std::int32_t*>(posts)[sequence % size] = (sequence % 128) << 24 | value;
}
/// Reads it, once it has been posted; -1: there are no more.
[[nodiscard]] __device__ inline int posted(const std::int32_t* posts, int size, int sequence) {
  const volatile std::int32_t* const at =
      const_cast<const volatile std::int32_t*>(posts) + sequence % size;
  int value;
  do value = *at;
  while (value < 0 || (value >> 24) != sequence % 128);
  value &= 0xffffff;
  return value == kNoMoreTickets ? -1 : value;
}

/// Units [first, last) of a ticket.
struct UnitRange {
  int first;
  int last;
};
[[nodiscard]] __device__ inline UnitRange units_of(const UnitShare& units, int ticket) {
  if (ticket < units.dealt) return {ticket * units.share, (ticket + 1) * units.share};
  const int first = units.dealt * units.share + (ticket - units.dealt) * units.size;
  return {first, min(first + units.size, units.num_units)};
}
[[nodiscard]] __device__ inline int num_unit_tickets(const UnitShare& units) {
  const int rest = units.num_units - units.dealt * units.share;
  return units.dealt + (units.size == 1 ? rest : (rest + 1) / 2);
}

/// Ticket number `sequence` of the block for units of gate_up, or -1. For any warp, once its own
/// stream has asked for it.
[[nodiscard]] __device__ inline int unit_ticket(int sequence) {
  return posted(stream_memory().unit_posts, kUnitPosts, sequence);
}
/// The strip of down that is the block's number `sequence`, or -1.
[[nodiscard]] __device__ inline int strip_ticket(int sequence) {
  return posted(stream_memory().strip_posts, kStripPosts, sequence);
}

[[nodiscard]] __device__ inline int next_unit_ticket(StreamMemory& stream, int warp) {
  const int sequence = stream.cursors[warp].drawn++;
  if (warp == 0) {
    const int end = num_unit_tickets(stream.units);
    const std::uint32_t ticket = stream.pending;
    post(stream.unit_posts, kUnitPosts, sequence, ticket, end);
    if (ticket < static_cast<std::uint32_t>(end))
      stream.pending = atomicAdd(stream.unit_tickets, 1U);
  }
  return unit_ticket(sequence);
}

/// Draws an item of down and puts it into the warp's queue; its segment of the strip, or nothing.
[[nodiscard]] __device__ inline Run next_item(StreamMemory& stream, int warp) {
  StreamCursor& cursor = stream.cursors[warp];
  if (stream.strip_items == 0) {
    cursor.exhausted = true;
    return {nullptr, 0};
  }
  const int item = atomicAdd(&stream.items_drawn, 1);
  const_cast<volatile int*>(cursor.items)[cursor.num_items++ % kItemQueue] = item;
  for (; item >= cursor.strip_end; cursor.strip_end += stream.strip_items) ++cursor.strips;
  const int sequence = cursor.strips - 1;
  const int in_strip = item - cursor.strip_end + stream.strip_items;
  const int strip = strip_ticket(sequence);
  if (in_strip == 0) {  // behind the last strip there is none either
    const std::uint32_t next = strip < 0 ? ~0U : atomicAdd(stream.strip_tickets, 1U);
    post(stream.strip_posts, kStripPosts, sequence + 1, next, stream.down.strips);
  }
  if (strip < 0) {
    cursor.exhausted = true;
    return {nullptr, 0};
  }
  const int group = stream.down_split.divide(in_strip);
  const int segment = in_strip - group * static_cast<int>(stream.down_split.value);
  const int stages = (stream.down.pieces + 1) / 2;
  const int first = 2 * stream.down_split.divide(segment * stages);
  const int last = min(2 * stream.down_split.divide((segment + 1) * stages), stream.down.pieces);
  return {piece_of(stream.down, shared_plan().group_expert[group], strip, first), last - first};
}

/// What the warp reads next; no pieces: nothing. For lane 0.
[[nodiscard]] __device__ __noinline__ inline Run next_run(int warp) {
  StreamMemory& stream = stream_memory();
  StreamCursor& cursor = stream.cursors[warp];
  while (!cursor.in_down) {
    if (cursor.units_left > 0) {
      const int group = cursor.group, strip = cursor.strip;
      --cursor.units_left;
      const bool last = strip + 1 == stream.gate_up.strips;
      cursor.strip = last ? 0 : strip + 1;
      cursor.group = last ? group + 1 : group;
      return {piece_of(stream.gate_up, shared_plan().group_expert[group], strip,
                       cursor.first_piece),
              cursor.num_pieces};
    }
    const int ticket = next_unit_ticket(stream, warp);
    cursor.in_down = ticket < 0;
    if (ticket < 0) break;
    const UnitRange units = units_of(stream.units, ticket);
    cursor.units_left = units.last - units.first;
    cursor.group = stream.strips.divide(units.first);
    cursor.strip = units.first - cursor.group * stream.gate_up.strips;
  }
  return cursor.exhausted ? Run{nullptr, 0} : next_item(stream, warp);
}

/// Before the plan is known.
__device__ inline void make_cursors(StreamMemory& stream, const WeightStack& gate_up,
                                    const WeightStack& down, const FusedTuning& tuning) {
  const int thread = static_cast<int>(threadIdx.x);
  if (thread < kUnitPosts) stream.unit_posts[thread] = -1;
  if (thread < kStripPosts) stream.strip_posts[thread] = -1;
  if (thread < kFusedWarps) {
    const int stages = (gate_up.pieces + 1) / 2;
    StreamCursor cursor{};
    cursor.first_piece = 2 * (thread * stages / kFusedWarps);
    cursor.num_pieces =
        min(2 * ((thread + 1) * stages / kFusedWarps), gate_up.pieces) - cursor.first_piece;
    stream.cursors[thread] = cursor;
  }
  if (thread != 0) return;
  stream.gate_up = gate_up;
  stream.down = down;
  stream.strips = tuning.gate_up_strips;
  stream.down_split = tuning.down_split;
  stream.items_drawn = 0;
}

/// The first tickets of the block, drawn before it knows the plan. By thread 0.
struct FirstTickets {
  std::uint32_t units;
  std::uint32_t strip;
};

/// Once the plan is known. By thread 0; a block barrier follows.
__device__ inline void share_work(StreamMemory& stream, const FirstTickets& first) {
  const int blocks = static_cast<int>(gridDim.x);
  const int num_groups = shared_plan().num_groups;
  const int num_units = num_groups * stream.gate_up.strips;
  const int share = num_units / 20 * 11 / blocks;
  stream.units = {num_units, share > 0 ? blocks : 0, share, num_units >= 40 * blocks ? 2 : 1};
  stream.pending = first.units;
  stream.strip_items = num_groups * static_cast<int>(stream.down_split.value);
  post(stream.strip_posts, kStripPosts, 0, first.strip, stream.down.strips);
}

/// The next item of the warp's queue, counted over the block's strips. `taken`: items that the warp
/// has done.
[[nodiscard]] __device__ inline int front_item(int warp, int taken) {
  return const_cast<volatile int*>(stream_memory().cursors[warp].items)[taken % kItemQueue];
}

}  // namespace switchyard::kernels::sm90
