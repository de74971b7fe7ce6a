// SPDX-License-Identifier: Apache-2.0
// The features that the backend and its bodies need.
#pragma once

#include <string>

#include "backends/vulkan/matrix_features.hpp"

namespace switchyard::vulkan {

/// Vulkan's chain of feature structures.
class Features {
 public:
  /// With those of `matrices` in need_all.
  explicit Features(const MatrixSupport& matrices) noexcept;
  Features(const Features&) = delete;
  Features& operator=(const Features&) = delete;
  ~Features() = default;

  [[nodiscard]] VkPhysicalDeviceFeatures2* chain() noexcept { return &base_; }

  /// Sets every feature that is needed and those of the matrices, and no other.
  void need_all() noexcept;
  /// The names of those that are needed and not set, by commas.
  [[nodiscard]] std::string missing() const;

 private:
  /// visit(name, flag) for every feature that is needed.
  template <class Self, class Visit>
  static void for_each_needed(Self& self, Visit visit);

  VkPhysicalDeviceFeatures2 base_;
  VkPhysicalDeviceVulkan11Features v11_;
  VkPhysicalDeviceVulkan12Features v12_;
  VkPhysicalDeviceVulkan13Features v13_;
  CooperativeMatrixFeatures matrix_;
  Bfloat16Features bfloat16_;
  MatrixSupport matrices_;
};

}  // namespace switchyard::vulkan
