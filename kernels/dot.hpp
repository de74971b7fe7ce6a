// SPDX-License-Identifier: Apache-2.0
// The inner product of the reference bodies.
#pragma once

#include <cstdint>

#include "switchyard/dtype.hpp"

namespace switchyard::kernels {

/// Sum of a[i] * b[i] for i < count: f32 products in 16 strided partial sums, joined by halving.
using Dot = float (*)(const void* a, const void* b, std::int64_t count);

/// The inner product of rows of these dtypes.
[[nodiscard]] Dot dot_for(DType a, DType b) noexcept;

}  // namespace switchyard::kernels
