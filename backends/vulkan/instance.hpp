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

  /// Vulkan's function called `name`, or null. Function is its pointer type.
  template <class Function>
  [[nodiscard]] Function find_function(const char* name) const noexcept {
    return reinterpret_cast<Function>(find_function_(handle_, name));
  }

 private:
  struct CloseLibrary {
    void operator()(void* library) const noexcept;
  };

  std::unique_ptr<void, CloseLibrary> library_;
  PFN_vkGetInstanceProcAddr find_function_ = nullptr;
  InstanceApi api_;
  VkInstance handle_ = VK_NULL_HANDLE;
};

/// The instance that all backends of this process share. It stays until the process ends: a driver
/// may load only a limited number of times in one process, and loaders unload it with the last
/// instance. Throws what Instance() throws; the next call tries again.
[[nodiscard]] const Instance& shared_instance();

}  // namespace switchyard::vulkan
