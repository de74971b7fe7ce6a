// SPDX-License-Identifier: Apache-2.0
// The cooperative matrices of a device. Vulkan's headers may be older than the extensions, so their
// structures are declared here.
#pragma once

#include <vector>

#include "backends/vulkan/instance.hpp"
#include "backends/vulkan/matrix_support.hpp"

namespace switchyard::vulkan {

/// vkPhysicalDeviceCooperativeMatrixFeaturesKHR.
struct CooperativeMatrixFeatures {
  VkStructureType type = static_cast<VkStructureType>(1000506000);
  void* next = nullptr;
  VkBool32 cooperative_matrix = VK_FALSE;
  VkBool32 robust_buffer_access = VK_FALSE;
};

/// vkPhysicalDeviceShaderBfloat16FeaturesKHR.
struct Bfloat16Features {
  VkStructureType type = static_cast<VkStructureType>(1000141000);
  void* next = nullptr;
  VkBool32 bfloat16_type = VK_FALSE;
  VkBool32 bfloat16_dot_product = VK_FALSE;
  VkBool32 bfloat16_cooperative_matrix = VK_FALSE;
};

/// What a device with these extensions offers.
[[nodiscard]] MatrixSupport find_matrices(const Instance& instance, VkPhysicalDevice device,
                                          const std::vector<VkExtensionProperties>& extensions);

/// The extensions that have to be enabled for it.
[[nodiscard]] std::vector<const char*> matrix_extensions(const MatrixSupport& matrices);

/// Whether an extension is among them.
[[nodiscard]] bool has_extension(const std::vector<VkExtensionProperties>& extensions,
                                 const char* name);

}  // namespace switchyard::vulkan
