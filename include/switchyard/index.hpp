// SPDX-License-Identifier: Apache-2.0
/// \file
/// The index spaces of a routed batch, as types that do not mix. T tokens, K experts per token,
/// E experts. Each is 32 bits wide and has the layout of std::int32_t on the device.
#pragma once

#include <cstdint>
#include <type_traits>

namespace switchyard {

/// Row of hidden_states and output, in [0, T); -1: none.
enum class TokenIndex : std::int32_t {};

/// t * K + k for the k-th choice of token t, in [0, T * K).
enum class PairId : std::int32_t {};

/// Position of a pair once pairs are grouped by expert (ascending pair id inside an expert), in
/// [0, T * K); -1: the pair is skipped.
enum class PackedRow : std::int32_t {};

/// Expert, in [0, E); -1: none.
enum class ExpertId : std::int32_t {};

/// The number behind an index.
template <class Index>
requires std::is_enum_v<Index>
[[nodiscard]] constexpr std::int32_t value_of(Index index) noexcept {
  return static_cast<std::int32_t>(index);
}

inline constexpr TokenIndex kNoToken{-1};     ///< packed_token_idx beyond the last packed row.
inline constexpr PackedRow kSkippedPair{-1};  ///< pairs_by_token of a pair no expert computes.
inline constexpr ExpertId kNoExpert{-1};      ///< block_ids beyond the last block.

}  // namespace switchyard
