// SPDX-License-Identifier: Apache-2.0
// What a copy of the hidden states in packed order is laid out by, for compute capability 9.0. Host
// and device read it.
#pragma once

#include <cstdint>

#include "kernels/param_block.hpp"
#include "switchyard/index.hpp"

namespace switchyard::kernels::sm90 {

/// packed[r] = hidden_states[packed_token_idx[r]] for the rows r < *num_rows; 16-bit elements, both
/// matrices aligned to 16 bytes.
struct PackParams {
  const void* hidden_states;           // [T, H]
  const TokenIndex* packed_token_idx;  // [max_rows]
  const PackedRow* num_rows;           // [1]
  void* packed;                        // [max_rows, H]
  std::int32_t max_rows;
  std::int32_t hidden_size;  // H, a multiple of 8
};
static_assert(kIsParamBlock<PackParams>);

/// Rows that a block copies, side by side.
inline constexpr int kPackRows = 4;
inline constexpr int kPackThreads = 256;

}  // namespace switchyard::kernels::sm90
