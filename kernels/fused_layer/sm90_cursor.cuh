// SPDX-License-Identifier: Apache-2.0
// Which weights a warp reads next. Its place is in registers of lane 0, what the place is looked up
// in is in shared memory. A warp has some 1,500 cycles for a stage, and a hundred instructions that
// follow each other take 500 of them: what most stages need is short and in place (WeightStream),
// the rest is called.
//
// What blocks wait for is drawn by tickets from counters of the grid and is no block's by its
// number: blocks of equal work finish a quarter apart, and a block that has not started yet owes
// nobody anything, so that the launch gets done whichever of its blocks are resident.
//
// - Units of gate_up: the first tickets are worth an equal share of 55 % of the units, the others
//   one to three units. When its stream takes one, warp 0 draws the next, and posts it for all
//   warps a stage later or when it is due, so that nobody waits for the answer. No warp has a
//   smaller part of a strip than warp 0, whose stream is thus never behind the others'.
// - Strips of down, for which no block waits: the first is the block's by its number, the second is
//   drawn at the start; the others by the first warp that needs them or has come to the one before.
//   No other warp will do: it may stand at a barrier that the one in need does not reach.
// - Items, a group by a segment of the inner dimension of the block's strip, are numbered over the
//   block's strips. Warps take turns.
//
// Who computes a unit or a strip does not change its result.
#pragma once

#include <cstdint>

#include "kernels/fused_layer/sm90_arguments.hpp"
#include "kernels/fused_layer/sm90_memory.hpp"
#include "kernels/sm90/barrier.cuh"
#include "kernels/sm90/copy.cuh"

namespace switchyard::kernels::sm90 {

template <Planning kPlanning>
[[nodiscard]] __device__ __forceinline__ SharedPlan<kPlanning>& shared_plan() {
  extern __shared__ __align__(1024) char memory[];
  return *reinterpret_cast<SharedPlan<kPlanning>*>(memory + FusedMemory<kPlanning>::kPlan);
}
/// At the same place with either planning.
[[nodiscard]] __device__ __forceinline__ StreamMemory& stream_memory() {
  extern __shared__ __align__(1024) char memory[];
  static_assert(FusedMemory<Planning::blocks>::kStream == FusedMemory<Planning::stage>::kStream);
  return *reinterpret_cast<StreamMemory*>(memory + FusedMemory<Planning::stage>::kStream);
}

/// Pieces of one strip, which lie a tile apart; none: nothing.
struct Run {
  const char* source;
  std::int32_t pieces;
};

/// Where a warp's stream is in gate_up.
struct UnitPlace {
  std::int32_t tickets;  // seen
  std::int32_t near;     // units of the last of them that follow the last run in its tile
  std::int32_t units;    // left behind those; the first of them:
  std::int32_t group;
  std::int32_t strip;
};
struct UnitRun {
  Run run;
  UnitPlace place;
};

/// Where it is in down.
struct ItemPlace {
  std::int32_t strips;     // seen; the last of them:
  std::int32_t strip;
  std::int32_t strip_end;  // where its items end
  std::int32_t item;       // the next
};
struct ItemRun {
  Run run;
  bool last;  // nothing follows; not known of every last one
  ItemPlace place;
};

/// Draws a ticket; nothing waits for it but what uses it. ptxas joins additions of a warp's lanes by
/// a shuffle, which would wait, but not increments up to what it does not know. `limit`: not
/// negative; so many tickets are never drawn.
[[nodiscard]] __device__ __forceinline__ std::uint32_t draw_ticket(std::uint32_t* counter,
                                                                   std::int32_t limit) {
  std::uint32_t ticket;
  asm volatile("atom.relaxed.gpu.global.inc.u32 %0, [%1], %2;"
               : "=r"(ticket)
               : "l"(counter), "r"(limit | static_cast<std::int32_t>(0xC0000000U))
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

/// The highest bit of what is drawn of units: whose turn it is.
inline constexpr std::uint32_t kTurn = 0x80000000U;

/// Posts what was drawn as the block's ticket number `sequence` for units. The last draw of the grid
/// begins the next turn.
__device__ __forceinline__ void post_unit(StreamMemory& stream, int sequence, std::uint32_t drawn) {
  const std::uint32_t ticket = drawn & ~kTurn;
  post(stream.unit_posts, sequence, ticket, stream.num_unit_tickets);
  if (ticket == stream.last_unit_draw) *stream.unit_tickets = ~drawn & kTurn;
}
/// The same of strips of down, of which the block's first is none that is drawn.
__device__ __forceinline__ void post_strip(StreamMemory& stream, int sequence,
                                           std::uint32_t drawn) {
  post(stream.strip_posts, sequence, gridDim.x + drawn, stream.down_strips);
  if (drawn == stream.last_strip_draw) *stream.strip_tickets = 0;
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
  return units.dealt + (units.size == 1 ? rest : (rest + units.size - 1) / units.size);
}

/// How so many units, each of so many pieces, are shared by so many blocks. Where there are many, a
/// ticket is worth three units of a hidden size up to 2048, or two: some 200 KB.
[[nodiscard]] __device__ inline UnitShare share_units(int num_units, int pieces,
                                                      const Divisor& num_blocks) {
  const int share = num_blocks.divide(num_units / 20 * 11);
  const int blocks = static_cast<int>(num_blocks.value);
  const int size = num_units < 40 * blocks ? 1 : (pieces * kTileWidth <= 2048 ? 3 : 2);
  return {num_units, share > 0 ? blocks : 0, share, size};
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

/// The next units of gate_up, all of one tile: the run of the first, none behind the last ticket.
/// For lane 0.
template <Planning kPlanning>
[[nodiscard]] __device__ __noinline__ UnitRun next_units(UnitPlace place, WarpPieces own) {
  constexpr int kStripsPerTile = kTileRows / kStripRows;
  StreamMemory& stream = stream_memory();
  const WeightStack stack = stream.gate_up;
  const Divisor strips = stream.gate_up_strips;
  const int num_strips = static_cast<int>(strips.value);
  if (place.units == 0) {
    const UnitShare share = stream.units;
    const int ticket = unit_ticket(place.tickets++);
    if (ticket < 0) return {{nullptr, 0}, place};
    const UnitRange units = units_of(share, ticket);
    place.units = units.last - units.first;
    place.group = strips.divide(units.first);
    place.strip = units.first - place.group * num_strips;
  }
  const char* const source =
      piece_of(stack, shared_plan<kPlanning>().group_expert[place.group], place.strip, own.first);
  const int together = min(min(place.units, num_strips - place.strip),
                           kStripsPerTile - place.strip % kStripsPerTile);
  place.near = together - 1;
  place.units -= together;
  place.strip += together;
  if (place.strip == num_strips) {
    place.strip = 0;
    ++place.group;
  }
  return {{source, own.count}, place};
}

/// Draws strips up to number `sequence` of the block, those that no warp has drawn yet. A block draws
/// once where there are no more.
__device__ __forceinline__ void draw_strips(StreamMemory& stream, int sequence) {
  for (int last = 1; last < sequence;) {  // the first two are there from the start
    const int seen = atomicCAS(&stream.strips_drawn, last, last + 1);
    if (seen == last) {
      ++last;
      if (strip_ticket(last - 1) < 0)
        post(stream.strip_posts, last, ~0U, stream.down_strips);
      else
        post_strip(stream, last, draw_ticket(stream.strip_tickets, last));
    } else {
      last = seen;
    }
  }
}

/// The first item of another strip that this stream sees: finds the strip, -1 behind the last. For
/// lane 0.
[[nodiscard]] __device__ __noinline__ inline ItemPlace next_strip(ItemPlace place) {
  StreamMemory& stream = stream_memory();
  for (; place.item >= place.strip_end; place.strip_end += stream.strip_items) ++place.strips;
  draw_strips(stream, place.strips - 1);
  place.strip = strip_ticket(place.strips - 1);
  if (place.strip >= 0) draw_strips(stream, place.strips);
  return place;
}

/// The warp's next item of down: its segment of the strip, or nothing. For lane 0.
template <Planning kPlanning>
[[nodiscard]] __device__ __noinline__ ItemRun next_item(ItemPlace place) {
  StreamMemory& stream = stream_memory();
  const WeightStack stack = stream.down;
  const Divisor split = stream.down_split;
  const int items = stream.strip_items;
  if (items == 0) return {{nullptr, 0}, true, place};
  if (place.item >= place.strip_end) place = next_strip(place);
  if (place.strip < 0) return {{nullptr, 0}, true, place};
  const int in_strip = place.item + items - place.strip_end;
  const int group = split.divide(in_strip);
  const int segment = in_strip - group * static_cast<int>(split.value);
  const int stages = (stack.pieces + 1) / 2;
  const int first = 2 * split.divide(segment * stages);
  const int last = min(2 * split.divide((segment + 1) * stages), stack.pieces);
  const char* const source =
      piece_of(stack, shared_plan<kPlanning>().group_expert[group], place.strip, first);
  place.item += kFusedWarps;
  // The second strip's post is there from the start: no call between the stages of what is the only
  // item where tokens are few.
  const bool ends =
      place.strips == 1 && place.item >= place.strip_end && strip_ticket(place.strips) < 0;
  return {{source, last - first}, ends, place};
}

/// Before it is known which experts have rows: the first strips of one expert per block on their way
/// to L2, while the memory would be idle. Those of an expert without rows cost bytes, nothing else.
__device__ inline void bring_ahead(const WeightStack& gate_up, int num_experts, int num_strips) {
  const int expert = static_cast<int>(blockIdx.x);
  if (num_strips == 0 || expert >= num_experts) return;
#pragma unroll 1
  for (int piece = static_cast<int>(threadIdx.x); piece < gate_up.pieces; piece += kFusedThreads)
    bulk_prefetch(piece_of(gate_up, expert, 0, piece), num_strips * kPieceBytes);
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
  stream.strips_drawn = 1;
}

/// Once the plan is known. By the first thread of a warp each; a block barrier follows. first_unit:
/// a ticket.
__device__ inline void share_units_out(StreamMemory& stream, GridCounters& counters, int num_groups,
                                       const Divisor& num_blocks, std::uint32_t first_unit) {
  stream.units = share_units(num_groups * static_cast<int>(stream.gate_up_strips.value),
                             stream.gate_up.pieces, num_blocks);
  stream.num_unit_tickets = num_unit_tickets(stream.units);
  stream.last_unit_draw =
      static_cast<std::uint32_t>(stream.num_unit_tickets) + num_blocks.value - 1;
  stream.unit_tickets = &counters.unit_tickets;
  const std::uint32_t turn = first_unit / kTurn;
  stream.units_done = counters.units_done[turn];
  post_unit(stream, 0, first_unit);
}
/// Where no launch before this one cleared the counters: those of the next turn, by the block that
/// leads. first_unit: a ticket of this turn.
__device__ inline void clear_next_turn(GridCounters& counters, std::uint32_t first_unit) {
#pragma unroll 1
  for (std::uint32_t& done : counters.units_done[1 - first_unit / kTurn]) done = 0;
}
/// second_strip: a ticket.
__device__ inline void share_strips_out(StreamMemory& stream, GridCounters& counters,
                                        int num_groups, std::uint32_t second_strip) {
  stream.strip_tickets = &counters.strip_tickets;
  stream.strip_items = num_groups * static_cast<int>(stream.down_split.value);
  const std::uint32_t beyond =
      static_cast<std::uint32_t>(max(stream.down_strips - static_cast<int>(gridDim.x), 0));
  stream.last_strip_draw = (stream.strip_items > 0 ? beyond : 0) + gridDim.x - 1;
  post(stream.strip_posts, 0, blockIdx.x, stream.down_strips);
  post_strip(stream, 1, second_strip);
}

}  // namespace switchyard::kernels::sm90
