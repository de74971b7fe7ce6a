// SPDX-License-Identifier: Apache-2.0
#include "backends/gpu/backend_impl.hpp"
#include "core/moe_layer_impl.hpp"
#include "switchyard/backends/hip.hpp"

template class switchyard::GpuBackend<switchyard::HipApi>;
SWITCHYARD_GPU_BODIES(HipBackend);
template class SWITCHYARD_API switchyard::MoeScratch<switchyard::HipBackend>;
template class SWITCHYARD_API switchyard::MoeLayer<switchyard::HipBackend>;
