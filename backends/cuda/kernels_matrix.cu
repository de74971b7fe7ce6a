// SPDX-License-Identifier: Apache-2.0
// The matrix products.
#include "backends/cuda/kernel_table.hpp"
#include "kernels/down/simt.hpp"
#include "kernels/gate_up/simt.hpp"

SWITCHYARD_CUDA_KERNEL(GateUpBody);
SWITCHYARD_CUDA_KERNEL(DownBody);
