// SPDX-License-Identifier: Apache-2.0
// The launches of the stages: those of the SIMT bodies, whose GLSL twins have their names, but the
// matrix products, which products.hpp plans.
#include "backends/vulkan/launches.hpp"
#include "backends/vulkan/stream.hpp"
#include "core/check_probe.hpp"
#include "switchyard/backends/vulkan.hpp"

namespace switchyard {

template <class Stage>
void VulkanBackend::launch(Stream& stream, const LaunchConfig& /*config*/,
                           const typename Stage::Params& params) {
  vulkan::for_each_launch(params, device_->physical().product_device(), device_->bodies(),
                          [&](const vulkan::BodyLaunch& launch, std::span<const std::byte> block) {
                            stream.state_->launch(launch, block);
                          });
}

void VulkanBackend::probe_reads(Stream& stream, DeviceSpan<const std::byte> from,
                                DeviceSpan<std::byte> sink) {
  core::check_probe(from, sink);
  vulkan::for_each_launch(
      kernels::ProbeReadsParams{from.data(), reinterpret_cast<std::uint32_t*>(sink.data()),
                                static_cast<std::int64_t>(from.size() / 16)},
      device_->physical().product_device(), device_->bodies(),
      [&](const vulkan::BodyLaunch& launch, std::span<const std::byte> block) {
        stream.state_->launch(launch, block);
      });
}

double VulkanBackend::probe_products(Stream& /*stream*/, DeviceSpan<std::byte> sink) {
  core::check_probe({}, sink);
  return 0.0;
}

#define SWITCHYARD_VULKAN_BODY(Stage)                                 \
  template SWITCHYARD_API void VulkanBackend::launch<kernels::Stage>( \
      Stream&, const LaunchConfig&, const kernels::Stage::Params&)
SWITCHYARD_VULKAN_BODY(Gate);
SWITCHYARD_VULKAN_BODY(Route);
SWITCHYARD_VULKAN_BODY(Plan);
SWITCHYARD_VULKAN_BODY(RoutePlan);
SWITCHYARD_VULKAN_BODY(FusedLayer);
SWITCHYARD_VULKAN_BODY(GateUp);
SWITCHYARD_VULKAN_BODY(Down);
SWITCHYARD_VULKAN_BODY(Combine);
#undef SWITCHYARD_VULKAN_BODY

}  // namespace switchyard
