// SPDX-License-Identifier: Apache-2.0
// The features that the backend and its bodies need.
#pragma once

#include <string>

#include "backends/vulkan/instance.hpp"

namespace switchyard::vulkan {

/// Vulkan's chain of feature structures.
class Features {
 public:
  Features() noexcept;
  Features(const Features&) = delete;
  Features& operator=(const Features&) = delete;
  ~Features() = default;

  [[nodiscard]] VkPhysicalDeviceFeatures2* chain() noexcept { return &base_; }

  /// Sets every feature that is needed, and no other.
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
};

}  // namespace switchyard::vulkan
