// SPDX-License-Identifier: Apache-2.0
// The extents of the probe of matrix products for compute capability 9.0.
#pragma once

#include <cstdint>

namespace switchyard::kernels::sm90 {

struct ProductProbe {
  static constexpr int kThreads = 256;  // two warpgroups
  static constexpr int kRows = 64;      // of a warpgroup
  static constexpr int kColumns = 160;
  static constexpr int kWidth = 64;  // of K in shared memory, in rows of 128 bytes
  static constexpr int kSteps = kWidth / 16;
  static constexpr std::uint32_t kColumnBytes = kColumns * kWidth * 2;
  static constexpr std::uint32_t kRowBytes = kRows * kWidth * 2;
  static constexpr std::uint32_t kSharedBytes = kColumnBytes + kThreads / 128 * kRowBytes;
  static constexpr std::int32_t kRounds = 2500;  // about a millisecond

  /// Floating-point operations of a block.
  static constexpr double kOperations =
      2.0 * (kThreads / 128) * kRows * kColumns * kWidth * kRounds;
};

}  // namespace switchyard::kernels::sm90
