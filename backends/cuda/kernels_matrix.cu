// SPDX-License-Identifier: Apache-2.0
#include "backends/cuda/wave_ops.hpp"
#include "backends/gpu/kernels_matrix.hpp"

SWITCHYARD_GPU_KERNELS_MATRIX(CudaApi);
