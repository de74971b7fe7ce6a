// SPDX-License-Identifier: Apache-2.0
// The loader and an instance of Vulkan.
#pragma once

#include <memory>

#include "backends/vulkan/api.hpp"

namespace switchyard::vulkan {

/// Vulkan 1.3 through the loader of this machine. Layers are chosen by the loader's own variables
/// (VK_INSTANCE_LAYERS).
class Instance {
 public:
  /// Throws Error{device_unavailable}: no loader, no driver, or too old.
  Instance();
  Instance(const Instance&) = delete;
  Instance& operator=(const Instance&) = delete;
  ~Instance();

  [[nodiscard]] const InstanceApi& api() const noexcept { return api_; }
  [[nodiscard]] VkInstance handle() const noexcept { return handle_; }

 private:
  struct CloseLibrary {
    void operator()(void* library) const noexcept;
  };

  std::unique_ptr<void, CloseLibrary> library_;
  InstanceApi api_;
  VkInstance handle_ = VK_NULL_HANDLE;
};

}  // namespace switchyard::vulkan
