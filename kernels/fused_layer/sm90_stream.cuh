// SPDX-License-Identifier: Apache-2.0
// The weights that a warp reads, in order, through a ring of its own.
//
// A stage is 16 weight rows by 128 elements: two pieces of 2 KB that lie swizzled in memory as they
// shall in shared memory (WeightLayout::swizzled_tiles), so that a stage is two plain bulk copies.
// In a piece, row r is at r * 128, its 16-byte chunk c at (c ^ r % 8) * 16. Lane (g = lane / 4,
// t = lane % 4) reads of rows g and g + 8 the chunks 2t and 2t + 1 without bank conflicts: elements
// 16t .. 16t + 15, which are its A fragments of four mma steps (the order of k inside a piece is
// permuted alike for A and B, which a sum does not see).
//
// Order: the warp's share of the inner dimension of every gate_up unit that the block draws, then
// the items that the warp draws of the block's strips of down (sm90_cursor.cuh). The stream runs a ring ahead of
// the math and does not stop at units, experts or phases. The ring belongs to the warp: it has no
// producer warp, and needs no barrier beyond __syncwarp and the mbarriers that tell that a stage
// has landed. Lane 0 starts the copies.
#pragma once

#include <cstdint>

#include "kernels/fused_layer/sm90_cursor.cuh"
#include "kernels/sm90/barrier.cuh"
#include "kernels/sm90/copy.cuh"
#include "kernels/sm90/element.cuh"

namespace switchyard::kernels::sm90 {

template <Planning kPlanning>
class WeightStream {
 public:
  /// gate_up_pieces: along a row of gate_up.
  __device__ WeightStream(int ring, int gate_up_pieces) : ring_(ring) {
    extern __shared__ __align__(1024) char memory[];
    lane_ = static_cast<int>(threadIdx.x & 31U);
    warp_ = __shfl_sync(~0U, static_cast<int>(threadIdx.x >> 5U), 0);
    slots_ = shared_address(memory + FusedMemory<kPlanning>::kRing) + warp_ * ring_ * kStageBytes;
    full_ = shared_address(memory + FusedMemory<kPlanning>::kBarriers) + warp_ * ring_ * 8;
    const int g = lane_ >> 2, t = lane_ & 3;
    chunk0_ = g * 128 + ((2 * t) ^ g) * 16;
    chunk1_ = g * 128 + ((2 * t + 1) ^ g) * 16;
    own_ = pieces_of(warp_, gate_up_pieces);
    items_.item = warp_;
    policy_ = l2_policy(L2Keep::evict_first);
    if (lane_ < ring_) Barrier{full_ + lane_ * 8}.init(1);
    fence_barrier_init();
    __syncwarp();
  }

  [[nodiscard]] __device__ int warp() const { return warp_; }
  /// What the warp reads of every strip of gate_up.
  [[nodiscard]] __device__ WarpPieces gate_up_pieces() const { return own_; }

  /// Fills the ring.
  __device__ void fill() {
    if (lane_ != 0) return;
#pragma unroll 1
    for (int i = 0; i < ring_; ++i) issue();
  }

  /// Until the next stage has landed.
  __device__ __forceinline__ void wait() { Barrier{full_ + get_ * 8}.wait(parity_); }
  /// The A fragments of piece 0 or 1 of the stage that was waited for.
  __device__ __forceinline__ void load(int piece, uint4 (&a)[4]) const {
    const std::uint32_t s = slots_ + get_ * kStageBytes + piece * kPieceBytes;
    a[0] = load_shared16(s + chunk0_);
    a[1] = load_shared16(s + chunk1_);
    a[2] = load_shared16(s + kPieceBytes / 2 + chunk0_);
    a[3] = load_shared16(s + kPieceBytes / 2 + chunk1_);
  }
  /// The fragments have been used: the slot takes the next copy.
  __device__ __forceinline__ void release() {
    if (++get_ == ring_) {
      get_ = 0;
      parity_ ^= 1U;
    }
    __syncwarp();
    if (lane_ != 0) return;
    if (owes_post_) post_pending();
    issue();
  }

 private:
  enum class Phase : std::uint8_t { gate_up, down, end };

  __device__ __forceinline__ void post_pending() {
    post_unit(stream_memory(), units_.tickets, pending_);
    owes_post_ = false;
  }

  /// Finds the next run, or nothing.
  __device__ __forceinline__ void next() {
    if (units_.near > 0) {  // the next strip of the tile
      --units_.near;
      run_.source += kPieceBytes - (own_.count + 1) / 2 * 2 * kTileBytes;
      run_.pieces = own_.count;
      return;
    }
    if (phase_ == Phase::gate_up) {
      const bool takes_ticket = units_.units == 0;
      if (owes_post_ && takes_ticket) post_pending();
      const UnitRun found = next_units<kPlanning>(units_, own_);
      units_ = found.place;
      run_ = found.run;
      if (run_.pieces == 0) {
        phase_ = Phase::down;
      } else if (takes_ticket && warp_ == 0) {
        pending_ = draw_ticket(stream_memory().unit_tickets, units_.tickets);
        owes_post_ = true;
      }
    }
    if (phase_ == Phase::down) {
      const ItemRun found = next_item<kPlanning>(items_);
      items_ = found.place;
      run_ = found.run;
      if (found.last) phase_ = Phase::end;
    }
  }

  /// Starts the copy of the next stage, if there is one, into the slot that every lane has read.
  __device__ __forceinline__ void issue() {
    if (run_.pieces == 0) next();
    if (run_.pieces > 0) {
      const std::uint32_t slot = slots_ + put_ * kStageBytes;
      const Barrier barrier{full_ + put_ * 8};
      const bool both = run_.pieces > 1;
      barrier.arrive_expecting(both ? kStageBytes : kPieceBytes);
      bulk_copy(slot, run_.source, kPieceBytes, barrier, policy_);
      if (both)
        bulk_copy(slot + kPieceBytes, run_.source + kTileBytes, kPieceBytes, barrier, policy_);
      run_.source += 2 * kTileBytes;
      run_.pieces = max(run_.pieces - 2, 0);
    }
    put_ = put_ == ring_ - 1 ? 0 : put_ + 1;
  }

  const int ring_;
  std::uint64_t policy_;
  std::uint32_t slots_;  // slot 0 and its barrier
  std::uint32_t full_;
  std::uint32_t chunk0_;  // this lane's offsets in a piece
  std::uint32_t chunk1_;
  WarpPieces own_;
  int lane_;
  int warp_;
  int get_ = 0;
  std::uint32_t parity_ = 0;
  // Of lane 0:
  int put_ = 0;
  Phase phase_ = Phase::gate_up;
  Run run_{};
  UnitPlace units_{};
  ItemPlace items_{};
  std::uint32_t pending_ = 0;  // of warp 0: the block's next unit ticket,
  bool owes_post_ = false;     // which is not posted yet
};

}  // namespace switchyard::kernels::sm90
