// SPDX-License-Identifier: Apache-2.0
// The dialect of the SIMT bodies: one source for nvcc, the HIP compiler and the emulator.
//
// A body is a struct with the stage's Params, a name and
//
//   template <class Ctx> SWITCHYARD_FN static void run(Ctx& ctx, const Params& params);
//
// which one lane of a launch runs; or it has, in place of run, a class template
//
//   template <class Ctx> struct Job { Job(Ctx& ctx, const Params& params); void run(); };
//
// whose constructor may run beside the launches before this one: it looks at the parameter block
// and at shared memory alone. Ctx offers:
//
//   kWave                           lanes of a wave, a compile-time constant: 8, 32 or 64
//   block() num_blocks()            of the launch
//   thread() num_threads()          of the block
//   lane() wave() num_waves()       of the block
//   sync()                          all threads of the block meet; memory is ordered
//   sync_wave()                     all lanes of the wave meet; memory is ordered among them
//   shuffle(value, lane)            value of another lane of the wave; 4, 8, 12 or 16 bytes
//   ballot(condition)               bit per lane
//   largest(value)                  the largest of the wave's 32-bit unsigned values
//   popcount(mask)                  bits that are set
//   shared<T>(count)                the block's next shared array: element access by [i] alone
//
// Rules: sync is reached by every thread of the block, a collective of the wave by every lane of
// it; all threads ask for the same shared arrays in the same order, before anything else; a shared
// element is written before it is read. No vendor symbol, no #if, no wave size but kWave, no
// atomics where a result could depend on their order.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "kernels/function.hpp"

namespace switchyard::kernels::simt {

/// The extents of a launch, planned on the host.
struct LaunchShape {
  std::int64_t num_blocks = 0;   ///< In [1, kMaxBlocks]; 0: nothing to launch.
  std::int32_t num_threads = 0;  ///< Per block, a multiple of the wave size, at most kMaxThreads.
  std::size_t shared_bytes = 0;  ///< Per block, at most kMaxSharedBytes.
};

/// Runs a lane of Body; wait() returns when the launches before this one are complete.
template <class Body, class Ctx, class Wait>
SWITCHYARD_FN void run_lane(Ctx& ctx, const typename Body::Params& params, Wait wait) {
  if constexpr (requires { typename Body::template Job<Ctx>; }) {
    typename Body::template Job<Ctx> job(ctx, params);
    wait();
    job.run();
  } else {
    wait();
    Body::run(ctx, params);
  }
}

/// Blocks that every backend can launch in one dimension; bodies with more work loop over it.
inline constexpr std::int64_t kMaxBlocks = 1 << 20;
inline constexpr std::int32_t kMaxThreads = 256;
inline constexpr std::size_t kMaxSharedBytes = 32 * 1024;
/// Shared arrays start at multiples of this.
inline constexpr std::size_t kSharedAlignment = 16;

/// Bytes that ctx.shared<T>(count) takes.
template <class T>
[[nodiscard]] constexpr std::size_t shared_bytes(std::int64_t count) noexcept {
  const auto bytes = static_cast<std::size_t>(count) * sizeof(T);
  return (bytes + kSharedAlignment - 1) / kSharedAlignment * kSharedAlignment;
}

[[nodiscard]] constexpr std::int64_t ceil_div(std::int64_t value, std::int64_t divisor) noexcept {
  return (value + divisor - 1) / divisor;
}

/// Blocks for `work` pieces of which a block takes one at a time.
[[nodiscard]] constexpr std::int64_t blocks_for(std::int64_t work) noexcept {
  return work < kMaxBlocks ? work : kMaxBlocks;
}

/// The largest value in the wave, as `better(a, b)` ranks: a before b. Every lane gets it.
template <class Ctx, class T, class Better>
[[nodiscard]] SWITCHYARD_FN T wave_best(Ctx& ctx, T value, Better better) {
  for (int mask = Ctx::kWave / 2; mask > 0; mask /= 2) {
    const T other = ctx.shuffle(value, ctx.lane() ^ mask);
    if (better(other, value)) value = other;
  }
  return value;
}

/// What a lane holds of the 64 partial sums of kernels::strided_sum.
template <class Ctx>
inline constexpr int kPartialsPerLane = 64 / Ctx::kWave;

/// Joins the partial sums: partial[j] of a lane is number j * kWave + lane. Every lane gets it.
template <class Ctx>
[[nodiscard]] SWITCHYARD_FN float join_partials(Ctx& ctx, float* partial) {
  for (int width = kPartialsPerLane<Ctx> / 2; width > 0; width /= 2)
    for (int j = 0; j < width; ++j) partial[j] += partial[j + width];
  float sum = partial[0];  // a lane and its partner add the same two numbers
  for (int width = Ctx::kWave / 2; width > 0; width /= 2)
    sum += ctx.shuffle(sum, ctx.lane() ^ width);
  return sum;
}

/// Sum of value(0) .. value(count - 1) in the order of kernels::strided_sum, bit for bit. Every
/// lane gets it.
template <class Ctx, class Value>
[[nodiscard]] SWITCHYARD_FN float strided_sum(Ctx& ctx, std::int32_t count, Value value) {
  float partial[kPartialsPerLane<Ctx>] = {};
  for (std::int32_t base = 0; base < count; base += 64)
    for (int j = 0; j < kPartialsPerLane<Ctx>; ++j) {
      const std::int32_t i = base + j * Ctx::kWave + ctx.lane();
      if (i < count) partial[j] += value(i);
    }
  return join_partials(ctx, partial);
}

/// Exclusive prefix sum over `count` values by one wave: put(i, sum of value(0) .. value(i - 1)).
/// Returns the total.
template <class Ctx, class Value, class Put>
SWITCHYARD_FN std::int32_t wave_scan(Ctx& ctx, std::int32_t count, Value value, Put put) {
  std::int32_t carry = 0;
  for (std::int32_t base = 0; base < count; base += Ctx::kWave) {
    const std::int32_t i = base + ctx.lane();
    const std::int32_t own = i < count ? value(i) : 0;
    std::int32_t sum = own;
    for (int distance = 1; distance < Ctx::kWave; distance *= 2) {
      const std::int32_t below =
          ctx.shuffle(sum, ctx.lane() < distance ? ctx.lane() : ctx.lane() - distance);
      if (ctx.lane() >= distance) sum += below;
    }
    if (i < count) put(i, carry + sum - own);
    carry += ctx.shuffle(sum, Ctx::kWave - 1);
  }
  return carry;
}

/// Two sums that are scanned together.
struct SumPair {
  std::int32_t first;
  std::int32_t second;
};
[[nodiscard]] constexpr SumPair operator+(const SumPair& a, const SumPair& b) noexcept {
  return {a.first + b.first, a.second + b.second};
}
[[nodiscard]] constexpr SumPair operator-(const SumPair& a, const SumPair& b) noexcept {
  return {a.first - b.first, a.second - b.second};
}

/// The sum of the lanes' values up to a lane's own.
template <class Ctx>
[[nodiscard]] SWITCHYARD_FN SumPair wave_inclusive_sum(Ctx& ctx, const SumPair& own) {
  SumPair sum = own;
  for (int distance = 1; distance < Ctx::kWave; distance *= 2) {
    const SumPair below =
        ctx.shuffle(sum, ctx.lane() < distance ? ctx.lane() : ctx.lane() - distance);
    if (ctx.lane() >= distance) sum = sum + below;
  }
  return sum;
}

/// Exclusive prefix sums over `count` pairs by the block: put(i, sum of value(0) .. value(i - 1)).
/// Every thread gets the total. wave_sums: [num_waves], shared, of this scan alone.
template <class Ctx, class WaveSums, class Value, class Put>
SWITCHYARD_FN SumPair block_scan(Ctx& ctx, WaveSums& wave_sums, std::int32_t count, Value value,
                                 Put put) {
  SumPair carry{0, 0};
  SWITCHYARD_ROLLED
  for (std::int32_t base = 0; base < count; base += ctx.num_threads()) {
    const std::int32_t i = base + ctx.thread();
    const SumPair own = i < count ? value(i) : SumPair{0, 0};
    const SumPair sum = wave_inclusive_sum(ctx, own);
    if (ctx.lane() == Ctx::kWave - 1) wave_sums[ctx.wave()] = sum;
    ctx.sync();
    SumPair before = carry;
    constexpr int kAtOnce = 8;
    SWITCHYARD_ROLLED
    for (std::int32_t first = 0; first < ctx.num_waves(); first += kAtOnce) {
      SumPair sums[kAtOnce];
      for (int j = 0; j < kAtOnce; ++j) {
        sums[j] = {0, 0};
        if (first + j < ctx.num_waves()) sums[j] = wave_sums[first + j];
      }
      for (int j = 0; j < kAtOnce; ++j) {
        if (first + j < ctx.wave()) before = before + sums[j];
        carry = carry + sums[j];
      }
    }
    if (i < count) put(i, before + sum - own);
    if (base + ctx.num_threads() < count) ctx.sync();
  }
  return carry;
}

/// Lanes of the wave whose `value` equals this lane's, by the low `bits` bits; lanes with `active`
/// false are in nobody's mask.
template <class Ctx>
[[nodiscard]] SWITCHYARD_FN std::uint64_t wave_match(Ctx& ctx, bool active, std::uint32_t value,
                                                     int bits) {
  std::uint64_t mask = ctx.ballot(active);
  for (int bit = 0; bit < bits; ++bit) {
    const bool set = ((value >> bit) & 1U) != 0;
    const std::uint64_t having = ctx.ballot(set);
    mask &= set ? having : ~having;
  }
  return mask;
}

/// Bits that tell `count` values apart.
[[nodiscard]] constexpr int bits_for(std::int32_t count) noexcept {
  int bits = 0;
  while ((std::int64_t{1} << bits) < count) ++bits;
  return bits;
}

/// The lanes of a ballot, in no more bits than a wave has lanes.
template <class Ctx>
using LaneMask = std::conditional_t<(Ctx::kWave > 32), std::uint64_t, std::uint32_t>;

/// Lanes below `lane`, as a mask.
[[nodiscard]] constexpr std::uint64_t lanes_below(int lane) noexcept {
  return (std::uint64_t{1} << lane) - 1;
}

}  // namespace switchyard::kernels::simt
