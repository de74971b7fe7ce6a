// SPDX-License-Identifier: Apache-2.0
// A meeting of warps of all blocks of a launch.
#pragma once

#include <cstdint>

namespace switchyard::kernels::sm90 {

/// A meeting of `count` warps at a word of device memory that any number of meetings share, one
/// after the other. Its bits, the highest first: one that changes when all have arrived; how many
/// arrivals are still to be seen, zero before and after; 32 of how many have left, zero before.
///
/// Blocks may wait that keep others of the launch off the device, so nobody waits for ever: who has
/// waited for long leaves, and those who find all there do what it would have done.
class Meeting {
 public:
  __device__ __forceinline__ Meeting(std::uint64_t* word, std::uint32_t count)
      : word_(word), count_(count) {}

  /// By one lane of a warp, behind a meeting of the warp's lanes: what they wrote is seen by those
  /// that find all there. One arrival of a meeting is the first warp's.
  __device__ __forceinline__ void arrive(bool is_first_warp) {
    const std::uint64_t arrivals = is_first_warp ? (std::uint64_t{1} << 31) - (count_ - 1) : 1;
    before_ = add(arrivals << 32);
    seen_ = before_ + (arrivals << 32);
  }

  /// By a lane that has arrived: whether all have, found out by no more than so many looks.
  [[nodiscard]] __device__ __forceinline__ bool wait(std::uint32_t looks) {
#pragma unroll 1
    for (; !have_met(seen_); --looks) {
      if (looks == 0) return false;
      look();
    }
    return true;
  }

  /// By a lane that has arrived, as has all of its block: whether it has left. What it did before is
  /// seen by those that find all there; where those are so already, it stays.
  [[nodiscard]] __device__ __forceinline__ bool leave() {
    if (!have_met(add(1))) return true;
    replace();
    look();
    return false;
  }
  /// For one that has left.
  __device__ __forceinline__ void replace() { add(~std::uint64_t{0}); }

  __device__ __forceinline__ void look() {
    asm volatile("ld.acquire.gpu.global.u64 %0, [%1];" : "=l"(seen_) : "l"(word_) : "memory");
  }
  /// Whether some had left, and were not replaced, when the lane looked or arrived last.
  [[nodiscard]] __device__ __forceinline__ bool are_missing() const {
    return static_cast<std::uint32_t>(seen_) != 0;
  }

 private:
  [[nodiscard]] __device__ __forceinline__ bool have_met(std::uint64_t word) const {
    return ((word ^ before_) >> 63U) != 0;
  }
  __device__ __forceinline__ std::uint64_t add(std::uint64_t value) const {
    std::uint64_t old;
    asm volatile("atom.add.acq_rel.gpu.global.u64 %0, [%1], %2;"
                 : "=l"(old)
                 : "l"(word_), "l"(value)
                 : "memory");
    return old;
  }

  std::uint64_t* const word_;
  const std::uint32_t count_;
  std::uint64_t before_ = 0;
  std::uint64_t seen_ = 0;
};

}  // namespace switchyard::kernels::sm90
