// SPDX-License-Identifier: Apache-2.0
/// \file
/// Every limit of the library, once. Checks, messages, documentation and tests read this table.
#pragma once

#include <cstdint>

namespace switchyard::limits {

inline constexpr std::int64_t kMaxTokens = 1'048'576;          ///< num_tokens of one call.
inline constexpr std::int64_t kMaxExperts = 4096;              ///< num_experts.
inline constexpr std::int64_t kMaxTopK = 64;                   ///< top_k.
inline constexpr std::int64_t kMaxHiddenSize = 1 << 20;        ///< hidden_size.
inline constexpr std::int64_t kMaxIntermediateSize = 1 << 20;  ///< intermediate_size, also shared.
inline constexpr std::int64_t kMaxExpertGroups = 256;          ///< num_groups of grouped routing.
inline constexpr std::int64_t kMaxBlockSize = 64;              ///< Largest block of sorted_tokens.

}  // namespace switchyard::limits
