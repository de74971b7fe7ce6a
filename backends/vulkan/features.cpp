// SPDX-License-Identifier: Apache-2.0
#include "backends/vulkan/features.hpp"

namespace switchyard::vulkan {

Features::Features(const MatrixSupport& matrices) noexcept
    : base_(structure<VkPhysicalDeviceFeatures2>(VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2)),
      v11_(structure<VkPhysicalDeviceVulkan11Features>(
          VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_1_FEATURES)),
      v12_(structure<VkPhysicalDeviceVulkan12Features>(
          VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES)),
      v13_(structure<VkPhysicalDeviceVulkan13Features>(
          VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_3_FEATURES)),
      matrices_(matrices) {
  base_.pNext = &v11_;
  v11_.pNext = &v12_;
  v12_.pNext = &v13_;
  if (matrices_.any()) v13_.pNext = &matrix_;
  if (matrices_.bf16) matrix_.next = &bfloat16_;
}

template <class Self, class Visit>
void Features::for_each_needed(Self& self, Visit visit) {
  visit("shaderInt16", self.base_.features.shaderInt16);
  visit("shaderInt64", self.base_.features.shaderInt64);
  visit("storageBuffer16BitAccess", self.v11_.storageBuffer16BitAccess);
  visit("storagePushConstant8", self.v12_.storagePushConstant8);
  visit("shaderInt8", self.v12_.shaderInt8);
  visit("scalarBlockLayout", self.v12_.scalarBlockLayout);
  visit("bufferDeviceAddress", self.v12_.bufferDeviceAddress);
  visit("timelineSemaphore", self.v12_.timelineSemaphore);
  visit("subgroupSizeControl", self.v13_.subgroupSizeControl);
  visit("computeFullSubgroups", self.v13_.computeFullSubgroups);
  visit("synchronization2", self.v13_.synchronization2);
  visit("maintenance4", self.v13_.maintenance4);
}

void Features::need_all() noexcept {
  for_each_needed(*this, [](const char*, VkBool32& flag) { flag = VK_TRUE; });
  if (!matrices_.any()) return;
  v12_.shaderFloat16 = VK_TRUE;
  matrix_.cooperative_matrix = VK_TRUE;
  bfloat16_.bfloat16_type = VK_TRUE;
  bfloat16_.bfloat16_cooperative_matrix = VK_TRUE;
}

std::string Features::missing() const {
  std::string names;
  for_each_needed(*this, [&names](const char* name, VkBool32 flag) {
    if (flag == VK_FALSE) names.append(names.empty() ? "" : ", ").append(name);
  });
  return names;
}

}  // namespace switchyard::vulkan
