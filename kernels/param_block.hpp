// SPDX-License-Identifier: Apache-2.0
// What every stage's parameter block has to be. All backends read the same blocks, so their layout
// is part of the contract: plain data, device addresses of 64 bits, small enough for push
// constants.
#pragma once

#include <cstddef>
#include <type_traits>

namespace switchyard::kernels {

inline constexpr std::size_t kMaxParamBytes = 128;

template <class Params>
inline constexpr bool kIsParamBlock =
    std::is_trivially_copyable_v<Params>&& std::is_standard_layout_v<Params> &&
    sizeof(Params) <= kMaxParamBytes && alignof(Params) <= alignof(void*);

}  // namespace switchyard::kernels
