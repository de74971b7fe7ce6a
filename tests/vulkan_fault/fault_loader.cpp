// SPDX-License-Identifier: Apache-2.0
#include "vulkan_fault/fault_loader.hpp"

#define VK_NO_PROTOTYPES
#include <dlfcn.h>
#include <vulkan/vulkan_core.h>

#include <atomic>
#include <cstring>

#include "vulkan_fault/disguise.hpp"

namespace {

std::atomic<std::int64_t> g_calls{0};
std::atomic<std::int64_t> g_fault{0};
std::atomic<std::int64_t> g_calls_that_tell_loss{0};
std::atomic<std::int64_t> g_loss{0};
std::atomic<const char*> g_next_name{""};
std::atomic<std::int64_t> g_next_times{0};
std::atomic<const char*> g_name{""};
std::atomic<VkResult> g_result{VK_SUCCESS};

/// What the call returns instead of being made, or VK_SUCCESS. Calls come from several threads only
/// where a backend makes its pipelines, and these can neither tell a loss nor are asked for by
/// name.
VkResult fault(const char* name, VkResult result, bool tells_loss);

/// Stands in for one function.
template <class Call, class Function>
struct Hook;
template <class Call, class... Arguments>
struct Hook<Call, VkResult (*)(Arguments...)> {
  static inline VkResult (*real)(Arguments...) = nullptr;
  static VkResult run(Arguments... arguments) {
    const VkResult result = fault(Call::kName, Call::kResult, Call::kTellsLoss);
    return result == VK_SUCCESS ? real(arguments...) : result;
  }
};

// clang-format off
#define SWITCHYARD_FALLIBLE(X)                                                                     \
  X(EnumerateInstanceVersion, VK_ERROR_OUT_OF_HOST_MEMORY)                                         \
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
  X(CreateQueryPool, VK_ERROR_OUT_OF_HOST_MEMORY) X(CreateSemaphore, VK_ERROR_OUT_OF_HOST_MEMORY)
#define SWITCHYARD_TELLING_LOSS(X)                                                                 \
  X(GetQueryPoolResults, VK_ERROR_DEVICE_LOST) X(WaitSemaphores, VK_ERROR_OUT_OF_HOST_MEMORY)      \
  X(GetSemaphoreCounterValue, VK_ERROR_OUT_OF_HOST_MEMORY)                                         \
  X(QueueSubmit2, VK_ERROR_OUT_OF_DEVICE_MEMORY) X(DeviceWaitIdle, VK_ERROR_OUT_OF_HOST_MEMORY)
// clang-format on

#define SWITCHYARD_CALL(Name, Result, TellsLoss)     \
  struct Name##Call {                                \
    static constexpr const char* kName = "vk" #Name; \
    static constexpr VkResult kResult = Result;      \
    static constexpr bool kTellsLoss = TellsLoss;    \
  };
#define SWITCHYARD_PLAIN_CALL(Name, Result) SWITCHYARD_CALL(Name, Result, false)
#define SWITCHYARD_TELLING_CALL(Name, Result) SWITCHYARD_CALL(Name, Result, true)
SWITCHYARD_FALLIBLE(SWITCHYARD_PLAIN_CALL)
SWITCHYARD_TELLING_LOSS(SWITCHYARD_TELLING_CALL)

PFN_vkCreateDevice g_create_device = nullptr;
VkDevice g_device = VK_NULL_HANDLE;  // the one that was made last

VkResult create_device(VkPhysicalDevice physical, const VkDeviceCreateInfo* info,
                       const VkAllocationCallbacks* allocator, VkDevice* device) {
  const VkResult result = g_create_device(physical, info, allocator, device);
  if (result == VK_SUCCESS) g_device = *device;
  return result;
}

PFN_vkEnumeratePhysicalDevices g_enumerate = nullptr;

VkResult enumerate_devices(VkInstance instance, std::uint32_t* count, VkPhysicalDevice* devices) {
  const std::uint32_t copies = switchyard::fault::copies();
  std::uint32_t real_count = *count / copies;
  const VkResult result = g_enumerate(instance, &real_count, devices);
  *count = real_count * copies;
  for (std::uint32_t i = real_count; devices != nullptr && i < *count; ++i)
    devices[i] = devices[i - real_count];
  return result;
}

VkResult fault(const char* name, VkResult result, bool tells_loss) {
  const bool is_chosen = ++g_calls == g_fault.load();
  VkResult answer = is_chosen ? result : VK_SUCCESS;
  if (tells_loss) {
    const std::int64_t call = ++g_calls_that_tell_loss;
    const std::int64_t loss = g_loss.load();
    if (loss != 0 && call == loss)
      static_cast<void>(Hook<DeviceWaitIdleCall, PFN_vkDeviceWaitIdle>::real(g_device));
    if (loss != 0 && call >= loss) answer = VK_ERROR_DEVICE_LOST;
  }
  if (g_next_times.load() > 0 && std::strcmp(name, g_next_name.load()) == 0) {
    --g_next_times;
    answer = result;
  }
  if (answer == VK_SUCCESS) return answer;
  g_name = name;
  g_result = answer;
  return answer;
}

/// `function`, or what stands in for it.
PFN_vkVoidFunction hooked(const char* name, PFN_vkVoidFunction function) {
  if (function == nullptr) return nullptr;
  if (const auto other = switchyard::fault::disguised(name, function); other != nullptr)
    return other;
  if (std::strcmp(name, "vkCreateDevice") == 0) {
    g_create_device = reinterpret_cast<PFN_vkCreateDevice>(function);
    function = reinterpret_cast<PFN_vkVoidFunction>(&create_device);
  } else if (std::strcmp(name, "vkEnumeratePhysicalDevices") == 0) {
    g_enumerate = reinterpret_cast<PFN_vkEnumeratePhysicalDevices>(function);
    function = reinterpret_cast<PFN_vkVoidFunction>(&enumerate_devices);
  }
#define SWITCHYARD_HOOK(Name, Result)                            \
  if (std::strcmp(name, Name##Call::kName) == 0) {               \
    using NameHook = Hook<Name##Call, PFN_vk##Name>;             \
    NameHook::real = reinterpret_cast<PFN_vk##Name>(function);   \
    return reinterpret_cast<PFN_vkVoidFunction>(&NameHook::run); \
  }
  SWITCHYARD_FALLIBLE(SWITCHYARD_HOOK)
  SWITCHYARD_TELLING_LOSS(SWITCHYARD_HOOK)
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
  g_calls_that_tell_loss = 0;
  g_loss = 0;
  g_next_times = 0;
  g_name = "";
  g_result = VK_SUCCESS;
}

void switchyard_fault_next(const char* name, std::int64_t times) noexcept {
  g_next_name = name;
  g_next_times = times;
}

void switchyard_fault_lose_device_at(std::int64_t k) noexcept {
  switchyard_fault_at(0);
  g_loss = k;
}

std::int64_t switchyard_fault_calls() noexcept {
  return g_calls;
}

std::int64_t switchyard_fault_calls_that_tell_loss() noexcept {
  return g_calls_that_tell_loss;
}

const char* switchyard_fault_name() noexcept {
  return g_name;
}

bool switchyard_fault_is_of_memory() noexcept {
  return g_result == VK_ERROR_OUT_OF_HOST_MEMORY || g_result == VK_ERROR_OUT_OF_DEVICE_MEMORY;
}
