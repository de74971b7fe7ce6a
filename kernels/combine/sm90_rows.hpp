// SPDX-License-Identifier: Apache-2.0
// What becomes of the expert rows that stage "combine" has read, for compute capability 9.0. Host
// and device read it.
#pragma once

#include <cstdint>

#include "kernels/combine/params.hpp"

namespace switchyard::kernels::sm90 {

enum class ReadRows : std::uint8_t {
  kept,
  discarded,  ///< Their contents are indeterminate afterwards; what L2 holds is not written back.
};

/// What is discarded at once: a line of L2.
inline constexpr std::int64_t kLineBytes = 128;

/// Rows of more bytes have mostly left L2 before they are read: discarding them costs more than it
/// saves (docs/performance-log.md).
inline constexpr std::int64_t kMostDiscardedBytes = std::int64_t{40} << 20U;

/// For rows of 16-bit elements that nobody reads after combine.
[[nodiscard]] inline ReadRows choose_read_rows(const CombineParams& params) noexcept {
  const std::int64_t row_bytes = std::int64_t{params.hidden_size} * 2;
  const bool whole_lines = row_bytes % kLineBytes == 0 &&
                           reinterpret_cast<std::uintptr_t>(params.expert_rows) % kLineBytes == 0;
  const std::int64_t bytes = std::int64_t{params.num_tokens} * params.top_k * row_bytes;
  return whole_lines && bytes <= kMostDiscardedBytes ? ReadRows::discarded : ReadRows::kept;
}

}  // namespace switchyard::kernels::sm90
