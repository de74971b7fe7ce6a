// SPDX-License-Identifier: Apache-2.0
// What the copy engine knows of a matrix in global memory.
#pragma once

#include <cstddef>

namespace switchyard::kernels::sm90 {

/// A tensor map as the driver encodes it; a __grid_constant__ argument of a kernel.
struct alignas(128) TensorMap {
  std::byte words[128];
};

}  // namespace switchyard::kernels::sm90
