// SPDX-License-Identifier: Apache-2.0
// Counters in device memory that are zero at first, for launches that leave them as they need them.
#pragma once

#include <cstddef>
#include <mutex>
#include <vector>

#include "kernels/fused_layer/sm90_arguments.hpp"
#include "kernels/route_plan/sm90_grid_shape.hpp"
#include "switchyard/export.hpp"

namespace switchyard::sm90 {

/// What launches that work in one memory count with, each kernel for itself.
struct CounterSet {
  kernels::sm90::GridCounters fused_layer;
  kernels::sm90::GridMeeting route_plan;
};

/// Sets of counters of a device. A set belongs to a memory that calls work in: those that work in
/// the same one do not run at the same time. Safe for concurrent use.
class SWITCHYARD_API CounterSets {
 public:
  /// Takes memory on the device, and waits until it is zero.
  explicit CounterSets(int device);
  ~CounterSets();
  CounterSets(const CounterSets&) = delete;
  CounterSets& operator=(const CounterSets&) = delete;

  /// The set of the memory at `place`, the same at every call; null where all sets are taken.
  /// Allocates nothing.
  [[nodiscard]] CounterSet* of(const void* place) noexcept;

 private:
  static constexpr std::size_t kNumSets = 4096;

  const int device_;
  CounterSet* const sets_;
  std::mutex mutex_;
  std::vector<const void*>
      owners_;  ///< By set, null: free. A place's set is found from its hash on.
};

}  // namespace switchyard::sm90
