// SPDX-License-Identifier: Apache-2.0
#include "backends/vulkan/physical_device.hpp"

#include <algorithm>
#include <bit>
#include <optional>
#include <thread>

#include "backends/vulkan/check.hpp"
#include "backends/vulkan/features.hpp"
#include "backends/vulkan/matrix_features.hpp"
#include "kernels/param_block.hpp"
#include "kernels/simt.hpp"

namespace switchyard::vulkan {
namespace {

constexpr std::uint32_t kMaxThreads = 256;  // of a block, kernels/simt.hpp
constexpr std::uint32_t kMinWave = 8;
constexpr std::uint32_t kMaxWave = 64;

/// The properties that are read, chained.
struct Properties {
  VkPhysicalDeviceProperties2 base =
      structure<VkPhysicalDeviceProperties2>(VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2);
  VkPhysicalDeviceVulkan11Properties v11 = structure<VkPhysicalDeviceVulkan11Properties>(
      VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_1_PROPERTIES);
  VkPhysicalDeviceVulkan12Properties v12 = structure<VkPhysicalDeviceVulkan12Properties>(
      VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_PROPERTIES);
  VkPhysicalDeviceVulkan13Properties v13 = structure<VkPhysicalDeviceVulkan13Properties>(
      VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_3_PROPERTIES);
  VkPhysicalDeviceShaderSMBuiltinsPropertiesNV nv =
      structure<VkPhysicalDeviceShaderSMBuiltinsPropertiesNV>(
          VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_SM_BUILTINS_PROPERTIES_NV);
  VkPhysicalDeviceShaderCorePropertiesAMD amd = structure<VkPhysicalDeviceShaderCorePropertiesAMD>(
      VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_CORE_PROPERTIES_AMD);
};

[[nodiscard]] std::vector<VkExtensionProperties> extensions_of(const Instance& instance,
                                                               VkPhysicalDevice device) {
  std::uint32_t count = 0;
  check(instance.api().EnumerateDeviceExtensionProperties(device, nullptr, &count, nullptr),
        "vkEnumerateDeviceExtensionProperties");
  std::vector<VkExtensionProperties> extensions(count);
  check(
      instance.api().EnumerateDeviceExtensionProperties(device, nullptr, &count, extensions.data()),
      "vkEnumerateDeviceExtensionProperties");
  return extensions;
}

void read_properties(const Instance& instance, VkPhysicalDevice device,
                     const std::vector<VkExtensionProperties>& extensions, Properties& all) {
  all.base.pNext = &all.v11;
  all.v11.pNext = &all.v12;
  all.v12.pNext = &all.v13;
  void** last = &all.v13.pNext;
  if (has_extension(extensions, VK_NV_SHADER_SM_BUILTINS_EXTENSION_NAME)) {
    *last = &all.nv;
    last = &all.nv.pNext;
  }
  if (has_extension(extensions, VK_AMD_SHADER_CORE_PROPERTIES_EXTENSION_NAME)) *last = &all.amd;
  instance.api().GetPhysicalDeviceProperties2(device, &all.base);
}

/// Vulkan itself does not tell; two vendors do.
[[nodiscard]] int compute_units(const Properties& all) {
  if (all.nv.shaderSMCount > 0) return static_cast<int>(all.nv.shaderSMCount);
  const std::uint32_t amd = all.amd.shaderEngineCount * all.amd.shaderArraysPerEngineCount *
                            all.amd.computeUnitsPerShaderArray;
  if (amd > 0) return static_cast<int>(amd);
  if (all.base.properties.deviceType == VK_PHYSICAL_DEVICE_TYPE_CPU)
    return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  return 1;
}

[[nodiscard]] std::uint64_t device_memory(const VkPhysicalDeviceMemoryProperties& memory) {
  std::uint64_t bytes = 0;
  for (std::uint32_t i = 0; i < memory.memoryHeapCount; ++i)
    if ((memory.memoryHeaps[i].flags & VK_MEMORY_HEAP_DEVICE_LOCAL_BIT) != 0)
      bytes = std::max<std::uint64_t>(bytes, memory.memoryHeaps[i].size);
  return bytes;
}

/// The first family that computes and has a clock, one without graphics before others.
[[nodiscard]] bool choose_queue(const Instance& instance, PhysicalDevice& device) {
  std::uint32_t count = 0;
  instance.api().GetPhysicalDeviceQueueFamilyProperties(device.handle, &count, nullptr);
  std::vector<VkQueueFamilyProperties> families(count);
  instance.api().GetPhysicalDeviceQueueFamilyProperties(device.handle, &count, families.data());
  for (const bool graphics : {false, true})
    for (std::uint32_t i = 0; i < count; ++i) {
      const VkQueueFlags flags = families[i].queueFlags;
      if ((flags & VK_QUEUE_COMPUTE_BIT) == 0 || families[i].timestampValidBits == 0) continue;
      if (((flags & VK_QUEUE_GRAPHICS_BIT) != 0) != graphics) continue;
      device.queue_family = i;
      device.timestamp_bits = families[i].timestampValidBits;
      return true;
    }
  return false;
}

/// What keeps the backend from using a device with these properties, or nothing.
[[nodiscard]] std::string shortage(const Properties& all) {
  const VkPhysicalDeviceLimits& limits = all.base.properties.limits;
  const auto too_few = [](const char* what, std::uint64_t value, std::uint64_t least) {
    return std::string(what) + " is " + std::to_string(value) + ", must be at least " +
           std::to_string(least);
  };
  if (limits.maxPushConstantsSize < kernels::kMaxParamBytes)
    return too_few("maxPushConstantsSize", limits.maxPushConstantsSize, kernels::kMaxParamBytes);
  if (limits.maxComputeSharedMemorySize < kMinSharedBytes)
    return too_few("maxComputeSharedMemorySize", limits.maxComputeSharedMemorySize,
                   kMinSharedBytes);
  const std::uint32_t threads =
      std::min(limits.maxComputeWorkGroupInvocations, limits.maxComputeWorkGroupSize[0]);
  if (threads < kMaxThreads) return too_few("maxComputeWorkGroupInvocations", threads, kMaxThreads);
  const std::uint32_t wave = all.v11.subgroupSize;
  if (wave < kMinWave || wave > kMaxWave || !std::has_single_bit(wave))
    return "subgroupSize is " + std::to_string(wave) + ", must be 8, 16, 32 or 64";
  if (all.v13.minSubgroupSize != all.v13.maxSubgroupSize &&
      (all.v13.requiredSubgroupSizeStages & VK_SHADER_STAGE_COMPUTE_BIT) == 0)
    return "the subgroup size of a compute shader cannot be fixed";
  constexpr VkSubgroupFeatureFlags kOperations =
      VK_SUBGROUP_FEATURE_BASIC_BIT | VK_SUBGROUP_FEATURE_ARITHMETIC_BIT |
      VK_SUBGROUP_FEATURE_BALLOT_BIT | VK_SUBGROUP_FEATURE_SHUFFLE_BIT;
  if ((all.v11.subgroupSupportedOperations & kOperations) != kOperations)
    return "subgroups lack basic, arithmetic, ballot or shuffle operations";
  return "";
}

/// Fills `device`, whose handle is set, or says why it cannot be used.
[[nodiscard]] std::string examine(const Instance& instance, PhysicalDevice& device) {
  VkPhysicalDeviceProperties plain{};
  instance.api().GetPhysicalDeviceProperties(device.handle, &plain);
  device.info.name = plain.deviceName;
  if (plain.apiVersion < VK_API_VERSION_1_3) return "has no Vulkan 1.3";
  Features features(MatrixSupport{});
  instance.api().GetPhysicalDeviceFeatures2(device.handle, features.chain());
  if (const std::string names = features.missing(); !names.empty()) return "lacks " + names;
  const std::vector<VkExtensionProperties> extensions = extensions_of(instance, device.handle);
  Properties all;
  read_properties(instance, device.handle, extensions, all);
  if (std::string text = shortage(all); !text.empty()) return text;
  if (!choose_queue(instance, device)) return "has no compute queue with a clock";

  instance.api().GetPhysicalDeviceMemoryProperties(device.handle, &device.memory);
  device.info.memory_bytes = device_memory(device.memory);
  device.info.compute_units = compute_units(all);
  device.info.wave_size = static_cast<int>(all.v11.subgroupSize);
  device.wave_size_varies = all.v13.minSubgroupSize != all.v13.maxSubgroupSize;
  device.shared_bytes = plain.limits.maxComputeSharedMemorySize;
  device.float_controls = {all.v12.shaderDenormPreserveFloat32 == VK_TRUE,
                           all.v12.shaderRoundingModeRTEFloat32 == VK_TRUE,
                           all.v12.shaderSignedZeroInfNanPreserveFloat32 == VK_TRUE};
  device.cache_owner.vendor_id = plain.vendorID;
  device.cache_owner.device_id = plain.deviceID;
  std::copy_n(plain.pipelineCacheUUID, VK_UUID_SIZE, device.cache_owner.uuid.begin());
  device.is_cpu = plain.deviceType == VK_PHYSICAL_DEVICE_TYPE_CPU;
  device.matrices = find_matrices(instance, device.handle, extensions);
  device.timestamp_ns = static_cast<double>(plain.limits.timestampPeriod);
  device.max_blocks = plain.limits.maxComputeWorkGroupCount[0];
  device.max_allocation_bytes = std::min({all.v11.maxMemoryAllocationSize, all.v13.maxBufferSize,
                                          VkDeviceSize{device.info.memory_bytes}});
  return "";
}

}  // namespace

PhysicalDevices find_devices(const Instance& instance) {
  std::uint32_t count = 0;
  check(instance.api().EnumeratePhysicalDevices(instance.handle(), &count, nullptr),
        "vkEnumeratePhysicalDevices");
  std::vector<VkPhysicalDevice> handles(count);
  check(instance.api().EnumeratePhysicalDevices(instance.handle(), &count, handles.data()),
        "vkEnumeratePhysicalDevices");
  PhysicalDevices found;
  std::string reasons;
  for (const VkPhysicalDevice handle : handles) {
    PhysicalDevice device;
    device.handle = handle;
    const std::string reason = examine(instance, device);
    if (reason.empty()) {
      device.info.index = static_cast<int>(found.usable.size());
      found.usable.push_back(std::move(device));
    } else {
      reasons.append(reasons.empty() ? "" : "; ").append(device.info.name + ": " + reason);
    }
  }
  if (found.usable.empty())
    found.reason = reasons.empty() ? "the Vulkan loader shows no device" : reasons;
  return found;
}

}  // namespace switchyard::vulkan
