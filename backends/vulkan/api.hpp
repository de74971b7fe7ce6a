// SPDX-License-Identifier: Apache-2.0
// Vulkan's functions, found at run time. Members have the functions' names without their prefix.
#pragma once

#define VK_NO_PROTOTYPES
#include <vulkan/vulkan_core.h>

// clang-format off
#define SWITCHYARD_VK_GLOBAL_FUNCTIONS(X) X(CreateInstance) X(EnumerateInstanceVersion)

#define SWITCHYARD_VK_INSTANCE_FUNCTIONS(X)                                                        \
  X(DestroyInstance) X(EnumeratePhysicalDevices) X(GetPhysicalDeviceProperties2)                   \
  X(GetPhysicalDeviceProperties) X(GetPhysicalDeviceFeatures2)                                     \
  X(GetPhysicalDeviceMemoryProperties) X(GetPhysicalDeviceQueueFamilyProperties)                   \
  X(EnumerateDeviceExtensionProperties) X(CreateDevice) X(GetDeviceProcAddr)

#define SWITCHYARD_VK_DEVICE_FUNCTIONS(X)                                                          \
  X(DestroyDevice) X(GetDeviceQueue) X(QueueSubmit2) X(DeviceWaitIdle)                              \
  X(CreateBuffer) X(DestroyBuffer) X(GetBufferMemoryRequirements) X(GetBufferDeviceAddress)        \
  X(AllocateMemory) X(FreeMemory) X(BindBufferMemory) X(MapMemory)                                 \
  X(CreateShaderModule) X(DestroyShaderModule) X(CreatePipelineLayout) X(DestroyPipelineLayout)    \
  X(CreateComputePipelines) X(DestroyPipeline)                                                     \
  X(CreatePipelineCache) X(DestroyPipelineCache) X(GetPipelineCacheData)                           \
  X(CreateCommandPool) X(DestroyCommandPool) X(AllocateCommandBuffers)                             \
  X(BeginCommandBuffer) X(EndCommandBuffer)                                                        \
  X(CmdPipelineBarrier2) X(CmdCopyBuffer) X(CmdFillBuffer) X(CmdBindPipeline) X(CmdPushConstants)  \
  X(CmdDispatch) X(CmdDispatchIndirect) X(CmdResetQueryPool) X(CmdWriteTimestamp2)                 \
  X(CreateQueryPool) X(DestroyQueryPool) X(GetQueryPoolResults)                                    \
  X(CreateSemaphore) X(DestroySemaphore) X(WaitSemaphores) X(GetSemaphoreCounterValue)
// clang-format on

namespace switchyard::vulkan {

#define SWITCHYARD_VK_MEMBER(Name) PFN_vk##Name Name = nullptr;

struct GlobalApi {
  SWITCHYARD_VK_GLOBAL_FUNCTIONS(SWITCHYARD_VK_MEMBER)
};

struct InstanceApi {
  SWITCHYARD_VK_INSTANCE_FUNCTIONS(SWITCHYARD_VK_MEMBER)
};

struct DeviceApi {
  SWITCHYARD_VK_DEVICE_FUNCTIONS(SWITCHYARD_VK_MEMBER)
};

#undef SWITCHYARD_VK_MEMBER

/// A structure of Vulkan's, its type set and all else zero.
template <class T>
[[nodiscard]] constexpr T structure(VkStructureType type) noexcept {
  T value{};
  value.sType = type;
  return value;
}

}  // namespace switchyard::vulkan
