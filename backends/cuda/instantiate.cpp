// SPDX-License-Identifier: Apache-2.0
#include "backends/cuda/sm90/bodies.hpp"
#include "backends/gpu/backend_impl.hpp"
#include "core/moe_layer_impl.hpp"
#include "switchyard/backends/cuda.hpp"

template class switchyard::GpuBackend<switchyard::CudaApi>;
SWITCHYARD_GPU_BODIES(CudaBackend);
SWITCHYARD_GPU_BODY(CudaBackend, FusedLayer);
SWITCHYARD_GPU_BODY(CudaBackend, CoupledLayer);
template class SWITCHYARD_API switchyard::MoeScratch<switchyard::CudaBackend>;
template class SWITCHYARD_API switchyard::MoeLayer<switchyard::CudaBackend>;
