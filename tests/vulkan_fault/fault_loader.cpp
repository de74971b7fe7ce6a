// SPDX-License-Identifier: Apache-2.0
#include "vulkan_fault/fault_loader.hpp"

#define VK_NO_PROTOTYPES
#include <dlfcn.h>
#include <vulkan/vulkan_core.h>

#include <atomic>
#include <cstring>

namespace {

std::atomic<std::int64_t> g_calls{0};
std::atomic<std::int64_t> g_fault{0};
std::atomic<const char*> g_name{""};

bool fails(const char* name) {
  if (++g_calls != g_fault.load()) return false;
  g_name = name;
  return true;
}

/// Stands in for one function.
template <class Call, class Function>
struct Hook;
template <class Call, class... Arguments>
struct Hook<Call, VkResult (*)(Arguments...)> {
  static inline VkResult (*real)(Arguments...) = nullptr;
  static VkResult run(Arguments... arguments) {
    return fails(Call::kName) ? Call::kResult : real(arguments...);
  }
};

// clang-format off
#define SWITCHYARD_FALLIBLE(X)                                                                     \
  X(CreateInstance, VK_ERROR_INCOMPATIBLE_DRIVER)                                                  \
  X(EnumeratePhysicalDevices, VK_ERROR_OUT_OF_HOST_MEMORY)                                         \
  X(EnumerateDeviceExtensionProperties, VK_ERROR_OUT_OF_HOST_MEMORY)                               \
  X(CreateDevice, VK_ERROR_INITIALIZATION_FAILED) X(CreateBuffer, VK_ERROR_OUT_OF_HOST_MEMORY)     \
  X(AllocateMemory, VK_ERROR_OUT_OF_DEVICE_MEMORY)                                                 \
  X(BindBufferMemory, VK_ERROR_OUT_OF_DEVICE_MEMORY) X(MapMemory, VK_ERROR_MEMORY_MAP_FAILED)      \
  X(CreateShaderModule, VK_ERROR_OUT_OF_HOST_MEMORY)                                               \
  X(CreatePipelineLayout, VK_ERROR_OUT_OF_HOST_MEMORY)                                             \
  X(CreateComputePipelines, VK_ERROR_OUT_OF_DEVICE_MEMORY)                                         \
  X(CreatePipelineCache, VK_ERROR_OUT_OF_HOST_MEMORY)                                              \
  X(GetPipelineCacheData, VK_ERROR_OUT_OF_HOST_MEMORY)                                             \
  X(CreateCommandPool, VK_ERROR_OUT_OF_HOST_MEMORY)                                                \
  X(AllocateCommandBuffers, VK_ERROR_OUT_OF_HOST_MEMORY)                                           \
  X(BeginCommandBuffer, VK_ERROR_OUT_OF_DEVICE_MEMORY)                                             \
  X(EndCommandBuffer, VK_ERROR_OUT_OF_DEVICE_MEMORY)                                               \
  X(CreateQueryPool, VK_ERROR_OUT_OF_HOST_MEMORY) X(GetQueryPoolResults, VK_ERROR_DEVICE_LOST)     \
  X(CreateSemaphore, VK_ERROR_OUT_OF_HOST_MEMORY) X(WaitSemaphores, VK_ERROR_OUT_OF_HOST_MEMORY)   \
  X(GetSemaphoreCounterValue, VK_ERROR_OUT_OF_HOST_MEMORY)                                         \
  X(QueueSubmit2, VK_ERROR_OUT_OF_DEVICE_MEMORY)
// clang-format on

#define SWITCHYARD_CALL(Name, Result)                \
  struct Name##Call {                                \
    static constexpr const char* kName = "vk" #Name; \
    static constexpr VkResult kResult = Result;      \
  };
SWITCHYARD_FALLIBLE(SWITCHYARD_CALL)

/// `function`, or what stands in for it.
PFN_vkVoidFunction hooked(const char* name, PFN_vkVoidFunction function) {
  if (function == nullptr) return nullptr;
#define SWITCHYARD_HOOK(Name, Result)                            \
  if (std::strcmp(name, Name##Call::kName) == 0) {               \
    using NameHook = Hook<Name##Call, PFN_vk##Name>;             \
    NameHook::real = reinterpret_cast<PFN_vk##Name>(function);   \
    return reinterpret_cast<PFN_vkVoidFunction>(&NameHook::run); \
  }
  SWITCHYARD_FALLIBLE(SWITCHYARD_HOOK)
  return function;
}

PFN_vkGetDeviceProcAddr g_device_function = nullptr;

PFN_vkVoidFunction device_function(VkDevice device, const char* name) {
  return hooked(name, g_device_function(device, name));
}

PFN_vkVoidFunction instance_function(VkInstance instance, const char* name) {
  static const auto find = reinterpret_cast<PFN_vkGetInstanceProcAddr>(
      dlsym(dlopen(SWITCHYARD_REAL_LOADER, RTLD_NOW | RTLD_LOCAL), "vkGetInstanceProcAddr"));
  return find(instance, name);
}

}  // namespace

SWITCHYARD_FAULT_API PFN_vkVoidFunction vkGetInstanceProcAddr(VkInstance instance,
                                                              const char* name) {
  const PFN_vkVoidFunction function = instance_function(instance, name);
  if (std::strcmp(name, "vkGetDeviceProcAddr") != 0) return hooked(name, function);
  g_device_function = reinterpret_cast<PFN_vkGetDeviceProcAddr>(function);
  return reinterpret_cast<PFN_vkVoidFunction>(&device_function);
}

void switchyard_fault_at(std::int64_t k) noexcept {
  g_calls = 0;
  g_fault = k;
  g_name = "";
}

std::int64_t switchyard_fault_calls() noexcept {
  return g_calls;
}

const char* switchyard_fault_name() noexcept {
  return g_name;
}
