// SPDX-License-Identifier: Apache-2.0
#include "backends/vulkan/dispatch_slot.hpp"

#include <utility>

#include "backends/vulkan/device.hpp"

namespace switchyard::vulkan {

DispatchSlot::DispatchSlot(std::shared_ptr<Device> device) : device_(std::move(device)) {
  const VkDeviceAddress address = device_->arena().allocate(sizeof(kernels::DispatchExtents));
  extents_ = reinterpret_cast<kernels::DispatchExtents*>(address);
  place_ = device_->arena().find(address, sizeof(kernels::DispatchExtents));
}

DispatchSlot::~DispatchSlot() {
  device_->arena().free(reinterpret_cast<VkDeviceAddress>(extents_));
}

}  // namespace switchyard::vulkan
