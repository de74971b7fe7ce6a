// SPDX-License-Identifier: Apache-2.0
#include "core/graph_cache_impl.hpp"
#include "core/moe_layer_impl.hpp"
#include "switchyard/backends/vulkan.hpp"

template class SWITCHYARD_API switchyard::MoeScratch<switchyard::VulkanBackend>;
template class SWITCHYARD_API switchyard::MoeLayer<switchyard::VulkanBackend>;
template class SWITCHYARD_API switchyard::GraphCache<switchyard::VulkanBackend>;
