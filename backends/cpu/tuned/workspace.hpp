// SPDX-License-Identifier: Apache-2.0
// The memory of a thread that multiplies.
#pragma once

#include "backends/cpu/tuned/tile.hpp"

/// Rows of x that a thread holds at a time.
inline constexpr std::int64_t kBlockRows = 96;

struct Workspace {
  float* x;     // as the way to multiply has it
  float* sums;  // [panels][rows][columns]

  explicit Workspace(std::span<std::byte> scratch)
      : x(reinterpret_cast<float*>(scratch.data())), sums(x + kFloatsOfX) {}

  /// Whole rows of most models.
  static constexpr std::int64_t kFloatsOfX = kBlockRows * 2048;
  /// Columns whose sums there is room for.
  static constexpr std::int64_t kSumColumns = 512;
};
static_assert((Workspace::kFloatsOfX + kBlockRows * Workspace::kSumColumns) *
                  std::int64_t{sizeof(float)} <=
              std::int64_t{host::kScratchBytes});
