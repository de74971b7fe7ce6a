// SPDX-License-Identifier: Apache-2.0
#include "backends/cuda/sm90/bodies.hpp"

#include "backends/cuda/native.hpp"

namespace switchyard {
namespace {

[[nodiscard]] int attribute(int device, cudaDeviceAttr which) {
  int value = 0;
  gpu::check<CudaApi>(cudaDeviceGetAttribute(&value, which, device), "DeviceGetAttribute");
  return value;
}

[[nodiscard]] bool is_sm90(int device) {
  return attribute(device, cudaDevAttrComputeCapabilityMajor) == 9 &&
         attribute(device, cudaDevAttrComputeCapabilityMinor) == 0;
}

}  // namespace

gpu::TunedBodies<CudaApi>::TunedBodies(const DeviceInfo& device, GpuBodies bodies)
    : device_(device.index),
      fits_device_(bodies == GpuBodies::automatic && is_sm90(device.index)) {}

WeightLayout gpu::TunedBodies<CudaApi>::layout_of(
    const ExpertMatrices& /*matrices*/) const noexcept {
  return WeightLayout::rows;
}

}  // namespace switchyard
