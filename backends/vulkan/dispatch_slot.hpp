// SPDX-License-Identifier: Apache-2.0
// Device memory for the extents of a launch that the device counts itself.
#pragma once

#include <memory>

#include "backends/vulkan/arena.hpp"
#include "kernels/count_blocks/params.hpp"

namespace switchyard::vulkan {

class Device;

/// One is enough for all launches whose commands follow each other: barriers keep them apart.
class DispatchSlot {
 public:
  explicit DispatchSlot(std::shared_ptr<Device> device);
  DispatchSlot(const DispatchSlot&) = delete;
  DispatchSlot& operator=(const DispatchSlot&) = delete;
  ~DispatchSlot();

  [[nodiscard]] kernels::DispatchExtents* extents() const noexcept { return extents_; }
  [[nodiscard]] const Arena::Place& place() const noexcept { return place_; }

 private:
  std::shared_ptr<Device> device_;
  kernels::DispatchExtents* extents_;
  Arena::Place place_;
};

}  // namespace switchyard::vulkan
