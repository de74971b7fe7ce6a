// SPDX-License-Identifier: Apache-2.0
#include "backends/vulkan/matrix_features.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "backends/vulkan/check.hpp"

namespace switchyard::vulkan {
namespace {

constexpr const char* kMatrixExtension = "VK_KHR_cooperative_matrix";
constexpr const char* kBfloat16Extension = "VK_KHR_shader_bfloat16";

// VkComponentTypeKHR and VkScopeKHR
constexpr std::int32_t kFloat16 = 0;
constexpr std::int32_t kFloat32 = 1;
constexpr std::int32_t kBfloat16 = 1000141000;
constexpr std::int32_t kSubgroup = 3;

/// VkCooperativeMatrixPropertiesKHR.
struct MatrixProperties {
  VkStructureType type = static_cast<VkStructureType>(1000506001);
  void* next = nullptr;
  std::uint32_t m = 0;
  std::uint32_t n = 0;
  std::uint32_t k = 0;
  std::int32_t a = 0;
  std::int32_t b = 0;
  std::int32_t c = 0;
  std::int32_t result = 0;
  VkBool32 saturates = VK_FALSE;
  std::int32_t scope = 0;
};

[[nodiscard]] bool is_usable(const MatrixProperties& matrix, std::int32_t element) {
  return matrix.m == 16 && matrix.n == 16 && matrix.k == 16 && matrix.a == element &&
         matrix.b == element && matrix.c == kFloat32 && matrix.result == kFloat32 &&
         matrix.saturates == VK_FALSE && matrix.scope == kSubgroup;
}

[[nodiscard]] std::vector<MatrixProperties> properties(const Instance& instance,
                                                       VkPhysicalDevice device) {
  constexpr const char* kName = "vkGetPhysicalDeviceCooperativeMatrixPropertiesKHR";
  const auto get =
      instance.find_function<VkResult (*)(VkPhysicalDevice, std::uint32_t*, MatrixProperties*)>(
          kName);
  if (get == nullptr) return {};
  std::uint32_t count = 0;
  check(get(device, &count, nullptr), kName);
  std::vector<MatrixProperties> found(count);
  check(get(device, &count, found.data()), kName);
  return found;
}

}  // namespace

bool has_extension(const std::vector<VkExtensionProperties>& extensions, const char* name) {
  return std::any_of(extensions.begin(), extensions.end(), [name](const auto& extension) {
    return std::strcmp(extension.extensionName, name) == 0;
  });
}

MatrixSupport find_matrices(const Instance& instance, VkPhysicalDevice device,
                            const std::vector<VkExtensionProperties>& extensions) {
  if (!has_extension(extensions, kMatrixExtension)) return {};
  CooperativeMatrixFeatures matrix;
  Bfloat16Features bfloat16;
  auto v12 = structure<VkPhysicalDeviceVulkan12Features>(
      VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES);
  auto base = structure<VkPhysicalDeviceFeatures2>(VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2);
  base.pNext = &v12;
  v12.pNext = &matrix;
  if (has_extension(extensions, kBfloat16Extension)) matrix.next = &bfloat16;
  instance.api().GetPhysicalDeviceFeatures2(device, &base);
  if (matrix.cooperative_matrix == VK_FALSE || v12.shaderFloat16 == VK_FALSE) return {};
  MatrixSupport support;
  for (const MatrixProperties& offered : properties(instance, device)) {
    support.f16 = support.f16 || is_usable(offered, kFloat16);
    support.bf16 = support.bf16 || is_usable(offered, kBfloat16);
  }
  support.bf16 = support.bf16 && bfloat16.bfloat16_type == VK_TRUE &&
                 bfloat16.bfloat16_cooperative_matrix == VK_TRUE;
  return support;
}

std::vector<const char*> matrix_extensions(const MatrixSupport& matrices) {
  std::vector<const char*> names;
  if (matrices.any()) names.push_back(kMatrixExtension);
  if (matrices.bf16) names.push_back(kBfloat16Extension);
  return names;
}

}  // namespace switchyard::vulkan
