// SPDX-License-Identifier: Apache-2.0
// The first waves of a block as a context (kernels/simt.hpp) of their own: they meet without the
// others, which have other work.
#pragma once

#include <cstdint>

#include "kernels/sm90/barrier.cuh"

namespace switchyard::kernels::sm90 {

template <class Ctx>
class FirstWaves {
 public:
  static constexpr int kWave = Ctx::kWave;

  __device__ __forceinline__ FirstWaves(Ctx& block, std::int32_t num_waves)
      : block_(block), num_waves_(num_waves) {}

  /// Whether the calling thread is in one of them.
  [[nodiscard]] __device__ __forceinline__ bool has_thread() const { return wave() < num_waves_; }

  [[nodiscard]] __device__ __forceinline__ std::int32_t thread() const { return block_.thread(); }
  [[nodiscard]] __device__ __forceinline__ std::int32_t num_threads() const {
    return num_waves_ * kWave;
  }
  [[nodiscard]] __device__ __forceinline__ std::int32_t lane() const { return block_.lane(); }
  [[nodiscard]] __device__ __forceinline__ std::int32_t wave() const { return block_.wave(); }
  [[nodiscard]] __device__ __forceinline__ std::int32_t num_waves() const { return num_waves_; }

  __device__ __forceinline__ void sync() { meet(kBarrier, num_threads()); }
  __device__ __forceinline__ void sync_wave() { block_.sync_wave(); }
  template <class T>
  [[nodiscard]] __device__ __forceinline__ T shuffle(const T& value, std::int32_t from) {
    return block_.shuffle(value, from);
  }
  template <class T>
  [[nodiscard]] __device__ __forceinline__ auto shared(std::int64_t count) {
    return block_.template shared<T>(count);
  }

 private:
  static constexpr int kBarrier = 1;  // 0 is the whole block's

  Ctx& block_;
  const std::int32_t num_waves_;
};

}  // namespace switchyard::kernels::sm90
