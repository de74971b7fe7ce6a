// SPDX-License-Identifier: Apache-2.0
// Which weights a warp reads next. Its place is in registers of lane 0, what the place is looked up
// in, in shared memory: a warp has some 1,500 cycles for a stage, and every look-up is 30 of them.
//
// What others wait for is drawn by tickets from counters of the grid and is no block's by its
// number: blocks of equal work finish a quarter apart, and a block that has not started yet owes
// nobody anything, so that the launch gets done whichever of its blocks are resident. Units of
// gate_up: the first tickets are worth an equal share of 55 % of the units, the others one or two
// units. Warp 0 posts a ticket when its stream gets there, the others read the post; it draws the
// next one at once, and nobody waits for the answer before it is due. Strips of down, for which
// nobody waits: the first is the block's by its number, the second is drawn at the start; of the
// others, the warp that takes a strip's first item draws the next. Items, a group by a segment of
// the inner dimension of the block's strip, are drawn from a counter of the block. Who computes a
// unit, a strip or an item does not change its result.
#pragma once

#include <cstdint>

#include "kernels/fused_layer/sm90_arguments.hpp"
#include "kernels/fused_layer/sm90_memory.hpp"
#include "kernels/sm90/barrier.cuh"

namespace switchyard::kernels::sm90 {

[[nodiscard]] __device__ __forceinline__ SharedPlan& shared_plan() {
  extern __shared__ __align__(1024) char memory[];
  return *reinterpret_cast<SharedPlan*>(memory + FusedMemory::kPlan);
}
[[nodiscard]] __device__ __forceinline__ StreamMemory& stream_memory() {
  extern __shared__ __align__(1024) char memory[];
  return *reinterpret_cast<StreamMemory*>(memory + FusedMemory::kStream);
}

/// Where a warp's stream is.
struct StreamPlace {
  enum class Phase : std::int32_t { gate_up, down, end };

  Phase phase;
  // gate_up:
  std::int32_t tickets;  // seen
  std::int32_t units;    // left of the last of them; the next one:
  std::int32_t group;
  // Of the next unit, or of down the last that this stream has seen:
  std::int32_t strip;
  // down:
  std::int32_t strips;     // seen
  std::int32_t strip_end;  // where the items of the last of them end
  std::int32_t items;      // drawn
};

/// Pieces of one strip, which lie a tile apart, and the place behind them.
struct Run {
  const char* source;
  std::int32_t pieces;
  bool posted_ticket;  // the pending ticket has been posted: the next one is to be drawn
  StreamPlace place;
};

/// Draws a ticket; nothing waits for it but what uses it. ptxas joins additions of a warp's lanes by
/// a shuffle, which would wait, but not increments up to what it does not know. `limit`: not
/// negative; so many tickets are never drawn.
[[nodiscard]] __device__ __forceinline__ std::uint32_t draw_ticket(std::uint32_t* counter,
                                                                   std::int32_t limit) {
  std::uint32_t ticket;
  asm volatile("atom.relaxed.gpu.global.inc.u32 %0, [%1], %2;"
               : "=r"(ticket)
               : "l"(counter), "r"(limit | 0x40000000)
               : "memory");
  return ticket;
}

[[nodiscard]] __device__ __forceinline__ const char* piece_of(const WeightStack& stack, int expert,
                                                              int strip, int piece) {
  constexpr unsigned kStripsPerTile = kTileRows / kStripRows;
  const auto s = static_cast<unsigned>(strip);
  const auto tile = static_cast<unsigned>(expert * stack.expert_tiles + piece) +
                    s / kStripsPerTile * static_cast<unsigned>(stack.pieces);
  return stack.data + std::uint64_t{tile} * kTileBytes + s % kStripsPerTile * kPieceBytes;
}

template <class Posts>
[[nodiscard]] __device__ __forceinline__ Barrier post_barrier(Posts& posts, int sequence) {
  return {shared_address(&posts.posted[static_cast<unsigned>(sequence) % unsigned{Posts::kSize}])};
}
/// Posts ticket number `sequence` of the block, -1 where it is not below `end`.
template <class Posts>
__device__ __forceinline__ void post(Posts& posts, int sequence, std::uint32_t ticket, int end) {
  posts.tickets[static_cast<unsigned>(sequence) % unsigned{Posts::kSize}] =
      ticket < static_cast<std::uint32_t>(end) ? static_cast<int>(ticket) : -1;
  post_barrier(posts, sequence).arrive();
}
/// Reads it, once it has been posted; -1: there are no more.
template <class Posts>
[[nodiscard]] __device__ __forceinline__ int posted(Posts& posts, int sequence) {
  const auto number = static_cast<unsigned>(sequence);
  post_barrier(posts, sequence).wait(number / unsigned{Posts::kSize} & 1U);
  return const_cast<volatile std::int32_t*>(posts.tickets)[number % unsigned{Posts::kSize}];
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
  return posted(stream_memory().unit_posts, sequence);
}
/// The strip of down that is the block's number `sequence`, or -1.
[[nodiscard]] __device__ inline int strip_ticket(int sequence) {
  return posted(stream_memory().strip_posts, sequence);
}

/// Draws an item of down and puts it into the warp's queue; its segment of the strip, or nothing.
[[nodiscard]] __device__ __forceinline__ Run next_item(StreamMemory& stream, StreamPlace place,
                                                       int warp) {
  const WeightStack stack = stream.down;
  const Divisor split = stream.down_split;
  const int items = stream.strip_items;
  const int item = items == 0 ? 0 : atomicAdd(&stream.items_drawn, 1);
  if (item >= place.strip_end && items > 0) {  // the first of another strip that this stream sees
    for (; item >= place.strip_end; place.strip_end += items) ++place.strips;
    place.strip = strip_ticket(place.strips - 1);
    if (item + items == place.strip_end && place.strips > 1) {  // nor is one behind the last
      const std::uint32_t next =
          place.strip < 0 ? ~0U : gridDim.x + draw_ticket(stream.strip_tickets, items);
      post(stream.strip_posts, place.strips, next, stream.down_strips);
    }
  }
  if (items > 0)
    const_cast<volatile int*>(stream.items[warp])[place.items++ % kItemQueue] = item;
  if (items == 0 || place.strip < 0) {
    place.phase = StreamPlace::Phase::end;
    return {nullptr, 0, false, place};
  }
  const int in_strip = item + items - place.strip_end;
  const int group = split.divide(in_strip);
  const int segment = in_strip - group * static_cast<int>(split.value);
  const int stages = (stack.pieces + 1) / 2;
  const int first = 2 * split.divide(segment * stages);
  const int last = min(2 * split.divide((segment + 1) * stages), stack.pieces);
  return {piece_of(stack, shared_plan().group_expert[group], place.strip, first), last - first,
          false, place};
}

/// A warp's part of every strip of gate_up.
struct WarpPieces {
  std::int32_t first;
  std::int32_t count;
};
[[nodiscard]] __device__ __forceinline__ WarpPieces pieces_of(int warp, int pieces) {
  const int stages = (pieces + 1) / 2;
  const int first = 2 * (warp * stages / kFusedWarps);
  return {first, min(2 * ((warp + 1) * stages / kFusedWarps), pieces) - first};
}

/// What the warp reads from `place` on; no pieces: nothing. For lane 0. `pending`: of warp 0, the
/// block's next unit ticket.
[[nodiscard]] __device__ __noinline__ inline Run next_run(StreamPlace place, int warp,
                                                          WarpPieces own, std::uint32_t pending) {
  StreamMemory& stream = stream_memory();
  bool posted_ticket = false;
  if (place.phase == StreamPlace::Phase::gate_up) {
    const WeightStack stack = stream.gate_up;
    const Divisor strips = stream.gate_up_strips;
    if (place.units == 0) {
      const UnitShare share = stream.units;
      posted_ticket = warp == 0;
      if (posted_ticket)
        post(stream.unit_posts, place.tickets, pending, stream.num_unit_tickets);
      const int ticket = unit_ticket(place.tickets++);
      if (ticket < 0) {
        place.phase = StreamPlace::Phase::down;
      } else {
        const UnitRange units = units_of(share, ticket);
        place.units = units.last - units.first;
        place.group = strips.divide(units.first);
        place.strip = units.first - place.group * static_cast<int>(strips.value);
      }
    }
    if (place.phase == StreamPlace::Phase::gate_up) {
      const char* const source =
          piece_of(stack, shared_plan().group_expert[place.group], place.strip, own.first);
      --place.units;
      if (++place.strip == static_cast<int>(strips.value)) {
        place.strip = 0;
        ++place.group;
      }
      return {source, own.count, posted_ticket, place};
    }
  }
  if (place.phase == StreamPlace::Phase::end) return {nullptr, 0, false, place};
  Run run = next_item(stream, place, warp);
  run.posted_ticket = posted_ticket;
  return run;
}

/// Before the plan is known.
__device__ inline void prepare_streams(StreamMemory& stream, const WeightStack& gate_up,
                                       const WeightStack& down, int down_strips,
                                       const FusedTuning& tuning) {
  const int thread = static_cast<int>(threadIdx.x);
  if (thread < UnitPosts::kSize) post_barrier(stream.unit_posts, thread).init(1);
  if (thread < StripPosts::kSize) post_barrier(stream.strip_posts, thread).init(1);
  if (thread != 0) return;
  stream.gate_up = gate_up;
  stream.down = down;
  stream.gate_up_strips = tuning.gate_up_strips;
  stream.down_split = tuning.down_split;
  stream.down_strips = down_strips;
  stream.items_drawn = 0;
}

/// Once the plan is known. By thread 0; a block barrier follows. second_strip: a ticket.
__device__ inline void share_work(StreamMemory& stream, GridCounters& counters,
                                  std::uint32_t second_strip) {
  const int blocks = static_cast<int>(gridDim.x);
  const int num_groups = shared_plan().num_groups;
  const int num_units = num_groups * static_cast<int>(stream.gate_up_strips.value);
  const int share = num_units / 20 * 11 / blocks;
  stream.units = {num_units, share > 0 ? blocks : 0, share, num_units >= 40 * blocks ? 2 : 1};
  stream.num_unit_tickets = num_unit_tickets(stream.units);
  stream.unit_tickets = &counters.unit_tickets;
  stream.strip_tickets = &counters.strip_tickets;
  stream.strip_items = num_groups * static_cast<int>(stream.down_split.value);
  post(stream.strip_posts, 0, blockIdx.x, stream.down_strips);
  post(stream.strip_posts, 1, gridDim.x + second_strip, stream.down_strips);
}

/// The next item of the warp's queue, counted over the block's strips. `taken`: items that the warp
/// has done.
[[nodiscard]] __device__ inline int front_item(int warp, int taken) {
  return const_cast<volatile int*>(stream_memory().items[warp])[taken % kItemQueue];
}

}  // namespace switchyard::kernels::sm90
