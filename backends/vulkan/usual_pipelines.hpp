// SPDX-License-Identifier: Apache-2.0
// The pipelines that most layers need, made before their first launch.
#pragma once

#include "backends/vulkan/pipelines.hpp"

namespace switchyard::vulkan {

/// One for every body, as small layers launch it: no forward of theirs makes a pipeline.
void make_usual_pipelines(Pipelines& pipelines, int wave_size);

}  // namespace switchyard::vulkan
