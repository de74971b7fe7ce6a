// SPDX-License-Identifier: Apache-2.0
// The context (kernels/simt.hpp) that a real GPU hands to a body. Device code: compiled by nvcc and
// the HIP compiler alone. WaveOps is the vendor's wave operations.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "kernels/simt.hpp"

namespace switchyard::gpu {

/// An array of shared memory.
template <class T>
class SharedArray {
 public:
  __device__ explicit SharedArray(T* data) : data_(data) {}
  [[nodiscard]] __device__ T& operator[](std::int64_t i) const { return data_[i]; }
  /// The array from element `first` on.
  [[nodiscard]] __device__ SharedArray offset(std::int64_t first) const {
    return SharedArray(data_ + first);
  }

 private:
  T* data_;
};

template <int Wave, class WaveOps>
class Lane {
 public:
  static constexpr int kWave = Wave;

  __device__ explicit Lane(std::byte* shared)
      : shared_(shared), wave_(WaveOps::same_for_all(threadIdx.x / Wave)) {}

  [[nodiscard]] __device__ std::int64_t block() const { return blockIdx.x; }
  [[nodiscard]] __device__ std::int64_t num_blocks() const { return gridDim.x; }
  [[nodiscard]] __device__ std::int32_t thread() const {
    return static_cast<std::int32_t>(threadIdx.x);
  }
  [[nodiscard]] __device__ std::int32_t num_threads() const {
    return static_cast<std::int32_t>(blockDim.x);
  }
  [[nodiscard]] __device__ std::int32_t lane() const {
    return static_cast<std::int32_t>(threadIdx.x % Wave);
  }
  [[nodiscard]] __device__ std::int32_t wave() const { return static_cast<std::int32_t>(wave_); }
  [[nodiscard]] __device__ std::int32_t num_waves() const {
    return static_cast<std::int32_t>(blockDim.x / Wave);
  }

  __device__ void sync() { __syncthreads(); }
  __device__ void sync_wave() { WaveOps::sync(); }

  template <class T>
  [[nodiscard]] __device__ T shuffle(const T& value, std::int32_t from) {
    static_assert(sizeof(T) % sizeof(std::uint32_t) == 0);
    constexpr std::size_t kWords = sizeof(T) / sizeof(std::uint32_t);
    std::uint32_t words[kWords];
    memcpy(words, &value, sizeof value);
    for (std::uint32_t& word : words) word = WaveOps::shuffle(word, from);
    T result;
    memcpy(&result, words, sizeof result);
    return result;
  }

  [[nodiscard]] __device__ std::uint64_t ballot(bool condition) {
    return WaveOps::ballot(condition);
  }

  [[nodiscard]] __device__ std::uint32_t largest(std::uint32_t value) {
    return WaveOps::template largest<kWave>(value);
  }

  [[nodiscard]] __device__ static int popcount(std::uint64_t mask) {
    return static_cast<int>(__popcll(mask));
  }

  template <class T>
  [[nodiscard]] __device__ SharedArray<T> shared(std::int64_t count) {
    T* const data = reinterpret_cast<T*>(shared_);
    shared_ += kernels::simt::shared_bytes<T>(count);
    return SharedArray<T>(data);
  }

 private:
  std::byte* shared_;
  const std::uint32_t wave_;  // the compiler knows that a wave's lanes have the same
};

}  // namespace switchyard::gpu
