// SPDX-License-Identifier: Apache-2.0
// The two ceilings of a host: memory reads and multiply-adds.
#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>

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

constexpr std::size_t kLargePage = std::size_t{2} << 20U;

struct FreeWords {
  void operator()(std::uint64_t* words) const {
    ::operator delete (words, std::align_val_t{kLargePage});
  }
};
using LargeWords = std::unique_ptr<std::uint64_t[], FreeWords>;

LargeWords allocate_words(std::size_t count) {
  const std::size_t bytes = count * sizeof(std::uint64_t);
  void* const memory = ::operator new (bytes, std::align_val_t{kLargePage});
#if defined(MADV_HUGEPAGE)
  static_cast<void>(::madvise(memory, bytes, MADV_HUGEPAGE));
#endif
  return LargeWords(static_cast<std::uint64_t*>(memory));
}

// A loop body does kChains independent multiply-adds of `lanes` floats. Chains start from numbers
// that the compiler does not know: it would keep one of several that are alike.
constexpr int kChains = 12;
constexpr int kMaxLanes = 16;
using FmaLoop = float (*)(const float* start, std::int64_t iterations);

struct FmaKernel {
  FmaLoop loop;
  int lanes;
};

float fma_loop_portable(const float* start, std::int64_t iterations) {
  constexpr int kLanes = 4;
  float sums[kChains * kLanes];
  std::copy_n(start, kChains * kLanes, sums);
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
__attribute__((target("avx2,fma"))) float fma_loop_avx2(const float* start,
                                                        std::int64_t iterations) {
  const __m256 m = _mm256_set1_ps(0.999F);
  const __m256 c = _mm256_set1_ps(0.001F);
  __m256 a0 = _mm256_loadu_ps(start + 0);
  __m256 a1 = _mm256_loadu_ps(start + 8);
  __m256 a2 = _mm256_loadu_ps(start + 16);
  __m256 a3 = _mm256_loadu_ps(start + 24);
  __m256 a4 = _mm256_loadu_ps(start + 32);
  __m256 a5 = _mm256_loadu_ps(start + 40);
  __m256 a6 = _mm256_loadu_ps(start + 48);
  __m256 a7 = _mm256_loadu_ps(start + 56);
  __m256 a8 = _mm256_loadu_ps(start + 64);
  __m256 a9 = _mm256_loadu_ps(start + 72);
  __m256 a10 = _mm256_loadu_ps(start + 80);
  __m256 a11 = _mm256_loadu_ps(start + 88);
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

__attribute__((target("avx512f"))) float fma_loop_avx512(const float* start,
                                                         std::int64_t iterations) {
  const __m512 m = _mm512_set1_ps(0.999F);
  const __m512 c = _mm512_set1_ps(0.001F);
  __m512 a0 = _mm512_loadu_ps(start + 0);
  __m512 a1 = _mm512_loadu_ps(start + 16);
  __m512 a2 = _mm512_loadu_ps(start + 32);
  __m512 a3 = _mm512_loadu_ps(start + 48);
  __m512 a4 = _mm512_loadu_ps(start + 64);
  __m512 a5 = _mm512_loadu_ps(start + 80);
  __m512 a6 = _mm512_loadu_ps(start + 96);
  __m512 a7 = _mm512_loadu_ps(start + 112);
  __m512 a8 = _mm512_loadu_ps(start + 128);
  __m512 a9 = _mm512_loadu_ps(start + 144);
  __m512 a10 = _mm512_loadu_ps(start + 160);
  __m512 a11 = _mm512_loadu_ps(start + 176);
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

// In large pages where the system has them, as the library allocates weights.
double measure_read_bandwidth(int threads) {
  constexpr int kPasses = 5;
  const auto workers = static_cast<std::size_t>(threads);
  const std::uint64_t bytes = std::max(4 * last_level_cache(), std::uint64_t{64} << 20U);
  const std::size_t slice = static_cast<std::size_t>(bytes) / sizeof(std::uint64_t) / workers;
  const LargeWords words = allocate_words(slice * workers);
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
  std::array<float, kChains * kMaxLanes> values;
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] = 0.001F * static_cast<float>(i);
  }
  double best = 0.0;
  for (int run = 0; run < kRuns; ++run) {
    const auto start = Clock::now();
    parallel(threads, [&](int) {
      sink() += static_cast<std::uint64_t>(kernel.loop(values.data(), kIterations));
    });
    const double operations = 2.0 * kChains * kernel.lanes * static_cast<double>(kIterations) *
                              static_cast<double>(threads);
    best = std::max(best, operations / seconds_since(start));
  }
  return best;
}

}  // namespace switchyard::tools
