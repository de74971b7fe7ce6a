// SPDX-License-Identifier: Apache-2.0
#include "backends/vulkan/device.hpp"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "backends/vulkan/bodies.hpp"
#include "backends/vulkan/check.hpp"
#include "backends/vulkan/features.hpp"
#include "backends/vulkan/matrix_features.hpp"
#include "backends/vulkan/usual_pipelines.hpp"
#include "switchyard/error.hpp"

namespace switchyard::vulkan {

LogicalDevice::LogicalDevice(const PhysicalDevice& physical) {
  const Instance& instance = shared_instance();
  const float priority = 1.0F;
  auto queue = structure<VkDeviceQueueCreateInfo>(VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO);
  queue.queueFamilyIndex = physical.queue_family;
  queue.queueCount = 1;
  queue.pQueuePriorities = &priority;
  Features features(physical.matrices);
  features.need_all();
  const std::vector<const char*> extensions = matrix_extensions(physical.matrices);
  auto info = structure<VkDeviceCreateInfo>(VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO);
  info.pNext = features.chain();
  info.enabledExtensionCount = static_cast<std::uint32_t>(extensions.size());
  info.ppEnabledExtensionNames = extensions.data();
  info.queueCreateInfoCount = 1;
  info.pQueueCreateInfos = &queue;
  check(instance.api().CreateDevice(physical.handle, &info, nullptr, &handle_), "vkCreateDevice");
  const char* missing = nullptr;
  const auto find = [&](const char* name, auto& function) {
    function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(
        instance.api().GetDeviceProcAddr(handle_, name));
    if (function == nullptr) missing = name;
  };
#define SWITCHYARD_VK_FIND(Name) find("vk" #Name, api_.Name);
  SWITCHYARD_VK_DEVICE_FUNCTIONS(SWITCHYARD_VK_FIND)
#undef SWITCHYARD_VK_FIND
  if (missing == nullptr) {
    api_.GetDeviceQueue(handle_, physical.queue_family, 0, &queue_);
    return;
  }
  if (api_.DestroyDevice != nullptr) api_.DestroyDevice(handle_, nullptr);
  throw Error(ErrorCode::device_unavailable,
              physical.info.name + ": the driver has no function " + missing);
}

LogicalDevice::~LogicalDevice() {
  api_.DestroyDevice(handle_, nullptr);
}

void LogicalDevice::submit(const VkSubmitInfo2& work) const {
  const std::scoped_lock lock(queue_mutex_);
  check(api_.QueueSubmit2(queue_, 1, &work, VK_NULL_HANDLE), "vkQueueSubmit2");
}

void LogicalDevice::wait_idle() const {
  const std::scoped_lock lock(queue_mutex_);
  check(api_.DeviceWaitIdle(handle_), "vkDeviceWaitIdle");
}

Device::Device(PhysicalDevice physical, VulkanBodies bodies, const std::string& cache_path)
    : physical_(std::move(physical)),
      bodies_(bodies),
      logical_(physical_),
      arena_(logical_, physical_),
      fill_patterns_(logical_, physical_),
      pipeline_cache_(logical_, physical_, cache_path),
      pipelines_(logical_, physical_, pipeline_cache_) {}

Device::~Device() = default;

std::shared_ptr<Device> open_device(const VulkanOptions& options) {
  const auto& [index, name, asked, max_shared_bytes, cache_path] = options;
  const VulkanBodies bodies = choose_bodies(asked);
  if (max_shared_bytes < kMinSharedBytes)
    throw Error(ErrorCode::invalid_argument,
                "max_shared_bytes is " + std::to_string(max_shared_bytes) + ", must be at least " +
                    std::to_string(kMinSharedBytes));
  PhysicalDevices found = find_devices(shared_instance());
  if (found.usable.empty()) throw Error(ErrorCode::device_unavailable, found.reason);
  std::erase_if(found.usable, [&](const PhysicalDevice& device) {
    return device.info.name.find(name) == std::string::npos;
  });
  const auto count = static_cast<int>(found.usable.size());
  const std::string which = name.empty() ? "" : " named '" + name + "'";
  if (index < 0 || index >= count)
    throw Error(ErrorCode::device_unavailable, "device is " + std::to_string(index) +
                                                   ", must be in [0, number of devices" + which +
                                                   " = " + std::to_string(count) + ")");
  PhysicalDevice& physical = found.usable[static_cast<std::size_t>(index)];
  physical.shared_bytes = std::min(physical.shared_bytes, max_shared_bytes);
  auto device = std::make_shared<Device>(std::move(physical), bodies, cache_path);
  make_usual_pipelines(device->pipelines(), device->physical(), bodies);
  device->pipeline_cache().save();
  return device;
}

}  // namespace switchyard::vulkan
