// SPDX-License-Identifier: Apache-2.0
#include "backends/vulkan/recorder.hpp"

#include <algorithm>

namespace switchyard::vulkan {
namespace {

struct Scope {
  VkPipelineStageFlags2 stages;
  VkAccessFlags2 access;
};

constexpr VkPipelineStageFlags2 kStages =
    VK_PIPELINE_STAGE_2_COMPUTE_SHADER_BIT | VK_PIPELINE_STAGE_2_ALL_TRANSFER_BIT;
constexpr Scope kWritten{kStages, VK_ACCESS_2_MEMORY_WRITE_BIT};
constexpr Scope kUsed{kStages, VK_ACCESS_2_MEMORY_READ_BIT | VK_ACCESS_2_MEMORY_WRITE_BIT};
constexpr Scope kLaunchWritten{VK_PIPELINE_STAGE_2_COMPUTE_SHADER_BIT,
                               VK_ACCESS_2_SHADER_WRITE_BIT};
constexpr Scope kExtentsRead{
    VK_PIPELINE_STAGE_2_DRAW_INDIRECT_BIT | VK_PIPELINE_STAGE_2_COMPUTE_SHADER_BIT,
    VK_ACCESS_2_INDIRECT_COMMAND_READ_BIT | VK_ACCESS_2_SHADER_READ_BIT |
        VK_ACCESS_2_SHADER_WRITE_BIT};
constexpr Scope kLaunchUsed{VK_PIPELINE_STAGE_2_COMPUTE_SHADER_BIT,
                            VK_ACCESS_2_SHADER_READ_BIT | VK_ACCESS_2_SHADER_WRITE_BIT};

void memory_barrier(const Device& device, VkCommandBuffer commands, const Scope& from,
                    const Scope& to) {
  auto memory = structure<VkMemoryBarrier2>(VK_STRUCTURE_TYPE_MEMORY_BARRIER_2);
  memory.srcStageMask = from.stages;
  memory.srcAccessMask = from.access;
  memory.dstStageMask = to.stages;
  memory.dstAccessMask = to.access;
  auto info = structure<VkDependencyInfo>(VK_STRUCTURE_TYPE_DEPENDENCY_INFO);
  info.memoryBarrierCount = 1;
  info.pMemoryBarriers = &memory;
  device.api().CmdPipelineBarrier2(commands, &info);
}

}  // namespace

void Recorder::barrier() {
  memory_barrier(device_, commands_, kWritten, kUsed);
  ending_ = Ending::other;
}

void Recorder::launch_barrier() {
  if (ending_ == Ending::launch)
    memory_barrier(device_, commands_, kLaunchWritten, kLaunchUsed);
  else
    barrier();
  ending_ = Ending::launch;
}

void Recorder::show_to_host() {
  memory_barrier(device_, commands_, kWritten,
                 {VK_PIPELINE_STAGE_2_HOST_BIT, VK_ACCESS_2_HOST_READ_BIT});
}

void Recorder::copy_unordered(const Place& to, const Place& from, VkDeviceSize bytes) {
  const VkBufferCopy region{from.offset, to.offset, bytes};
  device_.api().CmdCopyBuffer(commands_, from.buffer, to.buffer, 1, &region);
}

void Recorder::copy(const Place& to, const Place& from, VkDeviceSize bytes) {
  barrier();
  copy_unordered(to, from, bytes);
}

void Recorder::fill(const Place& to, VkDeviceSize bytes, std::byte value) {
  barrier();
  const Place pattern = device_.fill_patterns().of(value);
  const VkDeviceSize head = std::min<VkDeviceSize>((4 - to.offset % 4) % 4, bytes);
  const VkDeviceSize words = (bytes - head) / 4 * 4;
  const VkDeviceSize tail = bytes - head - words;
  if (head > 0) copy_unordered(to, pattern, head);
  if (words > 0)
    device_.api().CmdFillBuffer(commands_, to.buffer, to.offset + head, words,
                                std::to_integer<std::uint32_t>(value) * 0x01010101U);
  if (tail > 0) copy_unordered({to.buffer, to.offset + head + words}, pattern, tail);
}

void Recorder::bind(VkPipeline pipeline, std::span<const std::byte> params) {
  const DeviceApi& api = device_.api();
  api.CmdBindPipeline(commands_, VK_PIPELINE_BIND_POINT_COMPUTE, pipeline);
  api.CmdPushConstants(commands_, device_.pipelines().layout(), VK_SHADER_STAGE_COMPUTE_BIT, 0,
                       static_cast<std::uint32_t>(params.size()), params.data());
}

void Recorder::count_blocks(VkPipeline pipeline, kernels::CountBlocksParams count) {
  count.extents = slot_.extents();
  count.max_blocks = static_cast<std::int32_t>(
      std::min<std::int64_t>(count.max_blocks, device_.physical().max_blocks));
  bind(pipeline, std::as_bytes(std::span(&count, 1)));
  device_.api().CmdDispatch(commands_, 1, 1, 1);
  memory_barrier(device_, commands_, kLaunchWritten, kExtentsRead);
}

void Recorder::launch(const BodyLaunch& launch, std::span<const std::byte> params) {
  Pipelines& pipelines = device_.pipelines();
  const VkPipeline pipeline = pipelines.find(launch);
  if (launch.count) {
    const VkPipeline counting =
        pipelines.find(count_blocks_launch(device_.physical().info.wave_size));
    launch_barrier();
    count_blocks(counting, *launch.count);
    bind(pipeline, params);
    device_.api().CmdDispatchIndirect(commands_, slot_.place().buffer, slot_.place().offset);
    return;
  }
  launch_barrier();
  bind(pipeline, params);
  const auto blocks = static_cast<std::uint32_t>(
      std::min<std::int64_t>(launch.shape.num_blocks, device_.physical().max_blocks));
  device_.api().CmdDispatch(commands_, blocks, 1, 1);
}

void Recorder::timestamp(const EventState& event) {
  const DeviceApi& api = device_.api();
  api.CmdResetQueryPool(commands_, event.query(), 0, 1);
  api.CmdWriteTimestamp2(commands_, VK_PIPELINE_STAGE_2_ALL_COMMANDS_BIT, event.query(), 0);
}

}  // namespace switchyard::vulkan
