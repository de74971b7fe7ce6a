// SPDX-License-Identifier: Apache-2.0
// The two ceilings of a host: memory reads and multiply-adds.
#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <new>
#include <numeric>
#include <thread>

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

// Threads meet here without the system's help: they start together to within a microsecond.
class Meeting {
 public:
  explicit Meeting(int threads) : threads_(threads) {}

  void wait() {
    const int round = round_.load();
    if (arrived_.fetch_add(1) + 1 == threads_) {
      arrived_ = 0;
      ++round_;
      return;
    }
    while (round_.load() == round) {
      std::this_thread::yield();
    }
  }

 private:
  const int threads_;
  std::atomic<int> arrived_{0};
  std::atomic<int> round_{0};
};

// Seconds of the shortest of many passes; work(thread, pass) runs on all threads at the same time.
// Passes take a millisecond or so: on a machine that others use too, some meet with nobody else.
template <class Work>
double shortest_pass(int threads, const Work& work) {
  constexpr std::size_t kPasses = 400;
  constexpr double kLimit = 2.0;
  double best = std::numeric_limits<double>::infinity();
  Meeting meeting(threads);
  std::atomic<bool> more{true};
  const auto begin = Clock::now();
  parallel(threads, [&](int thread) {
    for (std::size_t pass = 0; more; ++pass) {
      meeting.wait();
      const auto start = Clock::now();
      work(thread, pass);
      meeting.wait();
      if (thread == 0) {
        best = std::min(best, seconds_since(start));
        more = pass + 1 < kPasses && seconds_since(begin) < kLimit;
      }
      meeting.wait();
    }
  });
  return best;
}

// Results go here so that nothing is optimised away.
std::atomic<std::uint64_t>& sink() {
  static std::atomic<std::uint64_t> value{0};
  return value;
}

// Reads `count` words in several streams, each fetched ahead.
template <std::size_t Streams>
std::uint64_t sum_words(const std::uint64_t* words, std::size_t count) {
  constexpr std::size_t kLine = 8;
  constexpr std::size_t kAhead = 32 * kLine;
  const std::size_t stream = count / Streams / kLine * kLine;
  std::uint64_t sums[kLine] = {};
  for (std::size_t i = 0; i < stream; i += kLine) {
    for (std::size_t s = 0; s < Streams; ++s) {
      const std::uint64_t* const line = words + s * stream + i;
      __builtin_prefetch(line + kAhead);
      for (std::size_t j = 0; j < kLine; ++j) {
        sums[j] += line[j];
      }
    }
  }
  return std::accumulate(sums, sums + kLine, std::uint64_t{0});
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

// In large pages where the system has them, as the library allocates weights. A pass reads a part
// of a buffer that no cache holds.
double measure_read_bandwidth(int threads) {
  const auto workers = static_cast<std::size_t>(threads);
  const std::uint64_t bytes = std::max(4 * last_level_cache(), std::uint64_t{64} << 20U);
  const std::size_t slice = static_cast<std::size_t>(bytes) / sizeof(std::uint64_t) / workers;
  const std::size_t part = slice / 4;
  const LargeWords words =
      allocate_words(slice * workers + 512);  // what is fetched ahead of the last line
  // Each thread touches its own slice first, so that the pages are near it.
  const auto slice_of = [&](int thread) {
    return words.get() + slice * static_cast<std::size_t>(thread);
  };
  parallel(threads, [&](int thread) { std::fill_n(slice_of(thread), slice, 1); });
  const double seconds = shortest_pass(threads, [&](int thread, std::size_t pass) {
    const std::uint64_t* const mine = slice_of(thread) + pass % 4 * part;
    sink() += pass / 4 % 2 == 0 ? sum_words<1>(mine, part) : sum_words<4>(mine, part);
  });
  return static_cast<double>(part * workers * sizeof(std::uint64_t)) / seconds;
}

double measure_peak_flops(int threads) {
  constexpr std::int64_t kIterations = 300'000;
  const FmaKernel kernel = widest_kernel();
  std::array<float, kChains * kMaxLanes> values;
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] = 0.001F * static_cast<float>(i);
  }
  const double seconds = shortest_pass(threads, [&](int, std::size_t) {
    sink() += static_cast<std::uint64_t>(kernel.loop(values.data(), kIterations));
  });
  return 2.0 * kChains * kernel.lanes * static_cast<double>(kIterations) *
         static_cast<double>(threads) / seconds;
}

}  // namespace switchyard::tools
