// SPDX-License-Identifier: Apache-2.0
// The matrix products, and the probe of reads.
#pragma once

#include "backends/gpu/kernels_impl.hpp"
#include "kernels/down/simt.hpp"
#include "kernels/gate_up/simt.hpp"
#include "kernels/probe/simt.hpp"

#define SWITCHYARD_GPU_KERNELS_MATRIX(Api) \
  SWITCHYARD_GPU_KERNEL(Api, GateUpBody);  \
  SWITCHYARD_GPU_KERNEL(Api, DownBody);    \
  SWITCHYARD_GPU_KERNEL(Api, ProbeReadsBody)
