// SPDX-License-Identifier: Apache-2.0
// What every stage's parameter block has to be. All backends read the same blocks, so their layout
// is part of the contract: plain data, device addresses of 64 bits, small enough for push
// constants.
#pragma once

#include <cstddef>
#include <type_traits>

namespace switchyard::kernels {

inline constexpr std::size_t kMaxParamBytes = 128;
/// Of a stage that fuses others: its block is theirs, which push constants do not hold.
inline constexpr std::size_t kMaxFusedParamBytes = 640;

template <class Params, std::size_t MaxBytes>
inline constexpr bool kIsPlainBlock =
    std::is_trivially_copyable_v<Params>&& std::is_standard_layout_v<Params> &&
    sizeof(Params) <= MaxBytes && alignof(Params) <= alignof(void*);

template <class Params>
inline constexpr bool kIsParamBlock = kIsPlainBlock<Params, kMaxParamBytes>;
template <class Params>
inline constexpr bool kIsFusedParamBlock = kIsPlainBlock<Params, kMaxFusedParamBytes>;

}  // namespace switchyard::kernels
