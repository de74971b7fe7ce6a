// SPDX-License-Identifier: Apache-2.0
// The two ceilings of a host: memory reads and multiply-adds.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "machine.hpp"
#include "parallel.hpp"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace switchyard::tools {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// Results go here so that nothing is optimised away.
std::atomic<std::uint64_t>& sink() {
  static std::atomic<std::uint64_t> value{0};
  return value;
}

std::uint64_t sum_words(const std::uint64_t* words, std::size_t count) {
  std::uint64_t sums[8] = {};
  for (std::size_t i = 0; i + 8 <= count; i += 8) {
    for (std::size_t j = 0; j < 8; ++j) {
      sums[j] += words[i + j];
    }
  }
  std::uint64_t sum = 0;
  for (const std::uint64_t s : sums) {
    sum += s;
  }
  return sum;
}

// A loop body does kChains independent multiply-adds of `lanes` floats.
constexpr int kChains = 12;
using FmaLoop = float (*)(std::int64_t iterations);

struct FmaKernel {
  FmaLoop loop;
  int lanes;
};

float fma_loop_portable(std::int64_t iterations) {
  constexpr int kLanes = 4;
  float sums[kChains * kLanes] = {};
  for (std::int64_t i = 0; i < iterations; ++i) {
    for (float& sum : sums) {
      sum = sum * 0.999F + 0.001F;
    }
  }
  float total = 0.0F;
  for (const float sum : sums) {
    total += sum;
  }
  return total;
}

#if defined(__x86_64__)
__attribute__((target("avx2,fma"))) float fma_loop_avx2(std::int64_t iterations) {
  const __m256 m = _mm256_set1_ps(0.999F);
  const __m256 c = _mm256_set1_ps(0.001F);
  __m256 a0 = c, a1 = c, a2 = c, a3 = c, a4 = c, a5 = c;
  __m256 a6 = c, a7 = c, a8 = c, a9 = c, a10 = c, a11 = c;
  for (std::int64_t i = 0; i < iterations; ++i) {
    a0 = _mm256_fmadd_ps(a0, m, c);
    a1 = _mm256_fmadd_ps(a1, m, c);
    a2 = _mm256_fmadd_ps(a2, m, c);
    a3 = _mm256_fmadd_ps(a3, m, c);
    a4 = _mm256_fmadd_ps(a4, m, c);
    a5 = _mm256_fmadd_ps(a5, m, c);
    a6 = _mm256_fmadd_ps(a6, m, c);
    a7 = _mm256_fmadd_ps(a7, m, c);
    a8 = _mm256_fmadd_ps(a8, m, c);
    a9 = _mm256_fmadd_ps(a9, m, c);
    a10 = _mm256_fmadd_ps(a10, m, c);
    a11 = _mm256_fmadd_ps(a11, m, c);
  }
  const __m256 low = _mm256_add_ps(_mm256_add_ps(_mm256_add_ps(a0, a1), _mm256_add_ps(a2, a3)),
                                   _mm256_add_ps(a4, a5));
  const __m256 high = _mm256_add_ps(_mm256_add_ps(_mm256_add_ps(a6, a7), _mm256_add_ps(a8, a9)),
                                    _mm256_add_ps(a10, a11));
  return _mm256_cvtss_f32(_mm256_add_ps(low, high));
}

__attribute__((target("avx512f"))) float fma_loop_avx512(std::int64_t iterations) {
  const __m512 m = _mm512_set1_ps(0.999F);
  const __m512 c = _mm512_set1_ps(0.001F);
  __m512 a0 = c, a1 = c, a2 = c, a3 = c, a4 = c, a5 = c;
  __m512 a6 = c, a7 = c, a8 = c, a9 = c, a10 = c, a11 = c;
  for (std::int64_t i = 0; i < iterations; ++i) {
    a0 = _mm512_fmadd_ps(a0, m, c);
    a1 = _mm512_fmadd_ps(a1, m, c);
    a2 = _mm512_fmadd_ps(a2, m, c);
    a3 = _mm512_fmadd_ps(a3, m, c);
    a4 = _mm512_fmadd_ps(a4, m, c);
    a5 = _mm512_fmadd_ps(a5, m, c);
    a6 = _mm512_fmadd_ps(a6, m, c);
    a7 = _mm512_fmadd_ps(a7, m, c);
    a8 = _mm512_fmadd_ps(a8, m, c);
    a9 = _mm512_fmadd_ps(a9, m, c);
    a10 = _mm512_fmadd_ps(a10, m, c);
    a11 = _mm512_fmadd_ps(a11, m, c);
  }
  const __m512 low = _mm512_add_ps(_mm512_add_ps(_mm512_add_ps(a0, a1), _mm512_add_ps(a2, a3)),
                                   _mm512_add_ps(a4, a5));
  const __m512 high = _mm512_add_ps(_mm512_add_ps(_mm512_add_ps(a6, a7), _mm512_add_ps(a8, a9)),
                                    _mm512_add_ps(a10, a11));
  return _mm512_cvtss_f32(_mm512_add_ps(low, high));
}
#endif

FmaKernel widest_kernel() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f") != 0) {
    return {fma_loop_avx512, 16};
  }
  if (__builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("fma") != 0) {
    return {fma_loop_avx2, 8};
  }
#endif
  return {fma_loop_portable, 4};
}

}  // namespace

double measure_read_bandwidth(int threads) {
  constexpr int kPasses = 5;
  const auto workers = static_cast<std::size_t>(threads);
  const std::uint64_t bytes = std::max(4 * last_level_cache(), std::uint64_t{64} << 20U);
  const std::size_t slice = static_cast<std::size_t>(bytes) / sizeof(std::uint64_t) / workers;
  const auto words = std::make_unique_for_overwrite<std::uint64_t[]>(slice * workers);
  // Each thread touches its own slice first, so that the pages are near it.
  parallel(threads, [&](int thread) {
    std::uint64_t* mine = words.get() + slice * static_cast<std::size_t>(thread);
    std::fill(mine, mine + slice, 1);
  });
  double best = 0.0;
  for (int pass = 0; pass < kPasses; ++pass) {
    const auto start = Clock::now();
    parallel(threads, [&](int thread) {
      sink() += sum_words(words.get() + slice * static_cast<std::size_t>(thread), slice);
    });
    best = std::max(
        best, static_cast<double>(slice * workers * sizeof(std::uint64_t)) / seconds_since(start));
  }
  return best;
}

double measure_peak_flops(int threads) {
  constexpr int kRuns = 5;
  constexpr std::int64_t kIterations = 4'000'000;
  const FmaKernel kernel = widest_kernel();
  double best = 0.0;
  for (int run = 0; run < kRuns; ++run) {
    const auto start = Clock::now();
    parallel(threads, [&](int) { sink() += static_cast<std::uint64_t>(kernel.loop(kIterations)); });
    const double operations = 2.0 * kChains * kernel.lanes * static_cast<double>(kIterations) *
                              static_cast<double>(threads);
    best = std::max(best, operations / seconds_since(start));
  }
  return best;
}

}  // namespace switchyard::tools
