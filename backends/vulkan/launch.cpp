// SPDX-License-Identifier: Apache-2.0
// The launches of the stages: those of the SIMT bodies, whose GLSL twins have their names.
#include "backends/vulkan/stream.hpp"
#include "kernels/combine/simt.hpp"
#include "kernels/down/simt.hpp"
#include "kernels/gate/simt.hpp"
#include "kernels/gate_up/simt.hpp"
#include "kernels/plan/simt.hpp"
#include "kernels/route/simt.hpp"
#include "switchyard/backends/vulkan.hpp"

namespace switchyard {

template <class Stage>
void VulkanBackend::launch(Stream& stream, const LaunchConfig& /*config*/,
                           const typename Stage::Params& params) {
  kernels::simt::launch_all(params, info().wave_size,
                            [&stream]<class Body>(const kernels::simt::LaunchShape& shape,
                                                  const typename Stage::Params& block) {
                              if (shape.num_blocks == 0) return;
                              stream.state_->launch(Body::kName, shape,
                                                    std::as_bytes(std::span(&block, 1)));
                            });
}

#define SWITCHYARD_VULKAN_BODY(Stage)                                 \
  template SWITCHYARD_API void VulkanBackend::launch<kernels::Stage>( \
      Stream&, const LaunchConfig&, const kernels::Stage::Params&)
SWITCHYARD_VULKAN_BODY(Gate);
SWITCHYARD_VULKAN_BODY(Route);
SWITCHYARD_VULKAN_BODY(Plan);
SWITCHYARD_VULKAN_BODY(GateUp);
SWITCHYARD_VULKAN_BODY(Down);
SWITCHYARD_VULKAN_BODY(Combine);
#undef SWITCHYARD_VULKAN_BODY

}  // namespace switchyard
