// SPDX-License-Identifier: Apache-2.0
#include "vulkan_fault/disguise.hpp"

#include <algorithm>
#include <cstring>

#include "vulkan_fault/fault_loader.hpp"

namespace {

SwitchyardDisguise g_disguise{};

PFN_vkGetPhysicalDeviceFeatures2 g_features = nullptr;
PFN_vkGetPhysicalDeviceProperties g_properties = nullptr;
PFN_vkGetPhysicalDeviceProperties2 g_properties2 = nullptr;

/// The structure of that type in a chain, or nullptr.
template <class T>
T* find(void* chain, VkStructureType type) {
  for (auto* next = static_cast<VkBaseOutStructure*>(chain); next != nullptr; next = next->pNext)
    if (next->sType == type) return reinterpret_cast<T*>(next);
  return nullptr;
}

template <class Structure>
void clear(void* chain, VkStructureType type, const char* feature, VkBool32 Structure::*member) {
  if (std::strcmp(g_disguise.lacks, feature) != 0) return;
  if (auto* const found = find<Structure>(chain, type)) found->*member = VK_FALSE;
}

void lessen(VkPhysicalDeviceProperties& properties) {
  const auto lower = [](std::uint32_t& value, std::uint32_t bound) {
    if (bound != 0) value = std::min(value, bound);
  };
  lower(properties.apiVersion, g_disguise.api_version);
  lower(properties.limits.maxPushConstantsSize, g_disguise.push_bytes);
  lower(properties.limits.maxComputeSharedMemorySize, g_disguise.shared_bytes);
  lower(properties.limits.maxComputeWorkGroupInvocations, g_disguise.threads);
}

void get_features(VkPhysicalDevice device, VkPhysicalDeviceFeatures2* features) {
  using V11 = VkPhysicalDeviceVulkan11Features;
  using V12 = VkPhysicalDeviceVulkan12Features;
  using V13 = VkPhysicalDeviceVulkan13Features;
  constexpr auto k11 = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_1_FEATURES;
  constexpr auto k12 = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES;
  constexpr auto k13 = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_3_FEATURES;
  g_features(device, features);
  if (g_disguise.lacks == nullptr) return;
  if (std::strcmp(g_disguise.lacks, "shaderInt16") == 0) features->features.shaderInt16 = VK_FALSE;
  if (std::strcmp(g_disguise.lacks, "shaderInt64") == 0) features->features.shaderInt64 = VK_FALSE;
  clear(features, k11, "storageBuffer16BitAccess", &V11::storageBuffer16BitAccess);
  clear(features, k12, "storagePushConstant8", &V12::storagePushConstant8);
  clear(features, k12, "shaderInt8", &V12::shaderInt8);
  clear(features, k12, "scalarBlockLayout", &V12::scalarBlockLayout);
  clear(features, k12, "bufferDeviceAddress", &V12::bufferDeviceAddress);
  clear(features, k12, "timelineSemaphore", &V12::timelineSemaphore);
  clear(features, k13, "subgroupSizeControl", &V13::subgroupSizeControl);
  clear(features, k13, "computeFullSubgroups", &V13::computeFullSubgroups);
  clear(features, k13, "synchronization2", &V13::synchronization2);
  clear(features, k13, "maintenance4", &V13::maintenance4);
}

void get_properties(VkPhysicalDevice device, VkPhysicalDeviceProperties* properties) {
  g_properties(device, properties);
  lessen(*properties);
}

void get_properties2(VkPhysicalDevice device, VkPhysicalDeviceProperties2* properties) {
  g_properties2(device, properties);
  lessen(properties->properties);
  auto* const v11 = find<VkPhysicalDeviceVulkan11Properties>(
      properties, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_1_PROPERTIES);
  if (v11 == nullptr) return;
  if (g_disguise.wave_size != 0) v11->subgroupSize = g_disguise.wave_size;
  v11->subgroupSupportedOperations &= ~g_disguise.lacks_subgroup_operations;
}

/// Keeps `real`, and returns what stands in for it.
template <class Function>
PFN_vkVoidFunction stand_in(Function& kept, PFN_vkVoidFunction real, Function own) {
  kept = reinterpret_cast<Function>(real);
  return reinterpret_cast<PFN_vkVoidFunction>(own);
}

}  // namespace

namespace switchyard::fault {

PFN_vkVoidFunction disguised(const char* name, PFN_vkVoidFunction real) noexcept {
  if (std::strcmp(name, "vkGetPhysicalDeviceFeatures2") == 0)
    return stand_in(g_features, real, &get_features);
  if (std::strcmp(name, "vkGetPhysicalDeviceProperties") == 0)
    return stand_in(g_properties, real, &get_properties);
  if (std::strcmp(name, "vkGetPhysicalDeviceProperties2") == 0)
    return stand_in(g_properties2, real, &get_properties2);
  return nullptr;
}

std::uint32_t copies() noexcept {
  return g_disguise.copies == 0 ? 1 : g_disguise.copies;
}

}  // namespace switchyard::fault

void switchyard_fault_disguise(SwitchyardDisguise disguise) noexcept {
  g_disguise = disguise;
}
