// SPDX-License-Identifier: Apache-2.0
#include <hip/hip_runtime.h>

#include "backends/gpu/kernels_exact.hpp"
#include "backends/hip/wave_ops.hpp"

SWITCHYARD_GPU_KERNELS_EXACT(HipApi);
