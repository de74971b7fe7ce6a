// SPDX-License-Identifier: Apache-2.0
#include "backends/vulkan/instance.hpp"

#include <dlfcn.h>

#include <string>

#include "backends/vulkan/check.hpp"
#include "switchyard/error.hpp"

namespace switchyard::vulkan {
namespace {

constexpr const char* kLibrary = "libvulkan.so.1";

[[noreturn]] void unavailable(const std::string& reason) {
  throw Error(ErrorCode::device_unavailable, reason);
}

/// Sets `function` to Vulkan's function called `name`.
template <class Function>
void find(PFN_vkGetInstanceProcAddr find_function, VkInstance instance, const char* name,
          Function& function) {
  function = reinterpret_cast<Function>(find_function(instance, name));
  if (function == nullptr) unavailable(std::string(kLibrary) + " has no function " + name);
}

}  // namespace

void Instance::CloseLibrary::operator()(void* library) const noexcept {
  static_cast<void>(dlclose(library));
}

Instance::Instance() : library_(dlopen(kLibrary, RTLD_NOW | RTLD_LOCAL)) {
  if (library_ == nullptr) {
    const char* const reason = dlerror();
    unavailable(std::string("the Vulkan loader cannot be opened: ") +
                (reason == nullptr ? kLibrary : reason));
  }
  find_function_ =
      reinterpret_cast<PFN_vkGetInstanceProcAddr>(dlsym(library_.get(), "vkGetInstanceProcAddr"));
  if (find_function_ == nullptr)
    unavailable(std::string(kLibrary) + " has no function vkGetInstanceProcAddr");

  GlobalApi global;
#define SWITCHYARD_VK_FIND(Name) find(find_function_, VK_NULL_HANDLE, "vk" #Name, global.Name);
  SWITCHYARD_VK_GLOBAL_FUNCTIONS(SWITCHYARD_VK_FIND)
#undef SWITCHYARD_VK_FIND
  std::uint32_t version = 0;
  if (const VkResult result = global.EnumerateInstanceVersion(&version); result != VK_SUCCESS)
    unavailable("vkEnumerateInstanceVersion: " + name_of(result));
  if (version < VK_API_VERSION_1_3) unavailable("the Vulkan loader knows no Vulkan 1.3");

  auto application = structure<VkApplicationInfo>(VK_STRUCTURE_TYPE_APPLICATION_INFO);
  application.pApplicationName = "switchyard";
  application.apiVersion = VK_API_VERSION_1_3;
  auto info = structure<VkInstanceCreateInfo>(VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO);
  info.pApplicationInfo = &application;
  if (const VkResult result = global.CreateInstance(&info, nullptr, &handle_); result != VK_SUCCESS)
    unavailable("no Vulkan driver can be used: vkCreateInstance: " + name_of(result));
#define SWITCHYARD_VK_FIND(Name) find(find_function_, handle_, "vk" #Name, api_.Name);
  SWITCHYARD_VK_INSTANCE_FUNCTIONS(SWITCHYARD_VK_FIND)
#undef SWITCHYARD_VK_FIND
}

Instance::~Instance() {
  if (handle_ != VK_NULL_HANDLE) api_.DestroyInstance(handle_, nullptr);
}

const Instance& shared_instance() {
  static const Instance& instance = *new Instance;  // for good: drivers have exit handlers too
  return instance;
}

}  // namespace switchyard::vulkan
