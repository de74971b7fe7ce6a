// SPDX-License-Identifier: Apache-2.0
// Operations of a stream as commands of Vulkan's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "backends/vulkan/device.hpp"
#include "backends/vulkan/dispatch_slot.hpp"
#include "backends/vulkan/event.hpp"

namespace switchyard::vulkan {

/// What a command buffer ends with so far: a launch behind another needs the lighter barrier.
enum class Ending : std::uint8_t { other, launch };

/// Records to a command buffer. Each operation starts with a barrier against all before it, in this
/// command buffer and in those submitted earlier.
class Recorder {
 public:
  using Place = Arena::Place;

  /// `ending` is kept with the command buffer; `other` at its begin. `slot` is of the stream's or
  /// the command buffer's own.
  Recorder(Device& device, VkCommandBuffer commands, Ending& ending,
           const DispatchSlot& slot) noexcept
      : device_(device), commands_(commands), ending_(ending), slot_(slot) {}

  void copy(const Place& to, const Place& from, VkDeviceSize bytes);
  void fill(const Place& to, VkDeviceSize bytes, std::byte value);
  void launch(const BodyLaunch& launch, std::span<const std::byte> params);
  /// When all before it has passed.
  void timestamp(const EventState& event);
  /// What was copied to staging memory can be read by the host once the batch has passed.
  void show_to_host();

 private:
  void barrier();
  void launch_barrier();
  void bind(VkPipeline pipeline, std::span<const std::byte> params);
  /// Fills the slot, for a launch that comes next.
  void count_blocks(VkPipeline pipeline, kernels::CountBlocksParams count);
  void copy_unordered(const Place& to, const Place& from, VkDeviceSize bytes);

  Device& device_;
  VkCommandBuffer commands_;
  Ending& ending_;
  const DispatchSlot& slot_;
};

}  // namespace switchyard::vulkan
