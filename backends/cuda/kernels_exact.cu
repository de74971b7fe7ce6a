// SPDX-License-Identifier: Apache-2.0
// Bodies whose arithmetic is the same bits on every backend: compiled without contraction.
#include "backends/cuda/kernel_table.hpp"
#include "kernels/combine/simt.hpp"
#include "kernels/gate/simt.hpp"
#include "kernels/plan/simt.hpp"
#include "kernels/route/simt.hpp"

SWITCHYARD_CUDA_KERNEL(GateBody);
SWITCHYARD_CUDA_KERNEL(RouteBody);
SWITCHYARD_CUDA_KERNEL(PlanBlockBody);
SWITCHYARD_CUDA_KERNEL(PlanCountBody);
SWITCHYARD_CUDA_KERNEL(PlanScanBody);
SWITCHYARD_CUDA_KERNEL(PlanScatterBody);
SWITCHYARD_CUDA_KERNEL(PlanFillBody);
SWITCHYARD_CUDA_KERNEL(CombineBody);
