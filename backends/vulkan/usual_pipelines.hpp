// SPDX-License-Identifier: Apache-2.0
// The pipelines that most layers need, made before their first launch.
#pragma once

#include "backends/vulkan/pipelines.hpp"

namespace switchyard::vulkan {

/// One for every body that `bodies` allows, as layers of one dtype launch it, and not too large
/// ones: no forward of theirs makes a pipeline. On a software device the tiled products alone.
void make_usual_pipelines(Pipelines& pipelines, const PhysicalDevice& physical,
                          VulkanBodies bodies);

}  // namespace switchyard::vulkan
