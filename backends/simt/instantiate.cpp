// SPDX-License-Identifier: Apache-2.0
#include "core/graph_cache_impl.hpp"
#include "core/moe_layer_impl.hpp"
#include "switchyard/backends/simt.hpp"

template class SWITCHYARD_API switchyard::MoeScratch<switchyard::Simt8Backend>;
template class SWITCHYARD_API switchyard::MoeLayer<switchyard::Simt8Backend>;
template class SWITCHYARD_API switchyard::MoeScratch<switchyard::Simt32Backend>;
template class SWITCHYARD_API switchyard::MoeLayer<switchyard::Simt32Backend>;
template class SWITCHYARD_API switchyard::MoeScratch<switchyard::Simt64Backend>;
template class SWITCHYARD_API switchyard::MoeLayer<switchyard::Simt64Backend>;
template class SWITCHYARD_API switchyard::GraphCache<switchyard::Simt8Backend>;
template class SWITCHYARD_API switchyard::GraphCache<switchyard::Simt32Backend>;
template class SWITCHYARD_API switchyard::GraphCache<switchyard::Simt64Backend>;
