// SPDX-License-Identifier: Apache-2.0
// Operations of a stream as commands of Vulkan's.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "backends/vulkan/device.hpp"
#include "backends/vulkan/event.hpp"

namespace switchyard::vulkan {

/// Records to a command buffer. Each operation starts with a barrier against all before it, in this
/// command buffer and in those submitted earlier.
class Recorder {
 public:
  using Place = Arena::Place;

  Recorder(Device& device, VkCommandBuffer commands) noexcept
      : device_(device), commands_(commands) {}

  void copy(const Place& to, const Place& from, VkDeviceSize bytes);
  void fill(const Place& to, VkDeviceSize bytes, std::byte value);
  void launch(const BodyLaunch& launch, std::span<const std::byte> params);
  void timestamp(const EventState& event);
  /// What was copied to staging memory can be read by the host once the batch has passed.
  void show_to_host();

 private:
  void barrier();
  void copy_unordered(const Place& to, const Place& from, VkDeviceSize bytes);

  Device& device_;
  VkCommandBuffer commands_;
};

}  // namespace switchyard::vulkan
