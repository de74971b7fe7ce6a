// SPDX-License-Identifier: Apache-2.0
#include "backends/cuda/sm90/counter_sets.hpp"

#include <cstdint>

#include "backends/cuda/native.hpp"

namespace switchyard::sm90 {
namespace {

using Runtime = GpuRuntime<CudaApi>;

[[nodiscard]] CounterSet* allocate_sets(int device, std::size_t count) {
  return static_cast<CounterSet*>(Runtime::allocate_memory(device, count * sizeof(CounterSet)));
}

/// By a stream of its own: others may be capturing.
void clear(int device, CounterSet* sets, std::size_t count) {
  const CudaApi::NativeStream stream = Runtime::create_stream(device);
  try {
    Runtime::fill(device, stream, sets, 0, count * sizeof(CounterSet));
    Runtime::synchronize_stream(device, stream);
  } catch (...) {
    Runtime::destroy_stream(device, stream);
    throw;
  }
  Runtime::destroy_stream(device, stream);
}

}  // namespace

CounterSets::CounterSets(int device) : device_(device), sets_(allocate_sets(device, kNumSets)) {
  try {
    owners_.resize(kNumSets);
    clear(device_, sets_, kNumSets);
  } catch (...) {
    Runtime::free_memory(device_, sets_);
    throw;
  }
}

CounterSets::~CounterSets() {
  Runtime::free_memory(device_, sets_);
}

CounterSet* CounterSets::of(const void* place) noexcept {
  constexpr int kIndexBits = 12;
  static_assert(kNumSets == std::size_t{1} << kIndexBits);
  const auto address = static_cast<std::uint64_t>(reinterpret_cast<std::uintptr_t>(place));
  const std::uint64_t first = (address * 0x9e3779b97f4a7c15ULL) >> (64 - kIndexBits);
  const std::scoped_lock lock(mutex_);
  for (std::size_t i = 0; i < kNumSets; ++i) {
    const std::size_t set = (first + i) % kNumSets;
    if (owners_[set] == nullptr) owners_[set] = place;
    if (owners_[set] == place) return sets_ + set;
  }
  return nullptr;
}

}  // namespace switchyard::sm90
