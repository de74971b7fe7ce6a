// SPDX-License-Identifier: Apache-2.0
// An opened device: its queue, memory and pipelines. Shared by all objects made from it.
#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "backends/vulkan/arena.hpp"
#include "backends/vulkan/fill_patterns.hpp"
#include "backends/vulkan/physical_device.hpp"
#include "backends/vulkan/pipelines.hpp"
#include "switchyard/backends/vulkan.hpp"

namespace switchyard::vulkan {

/// A VkDevice, its functions and its queue. Any thread may call any member.
class LogicalDevice {
 public:
  explicit LogicalDevice(const PhysicalDevice& physical);
  LogicalDevice(const LogicalDevice&) = delete;
  LogicalDevice& operator=(const LogicalDevice&) = delete;
  ~LogicalDevice();

  [[nodiscard]] const DeviceApi& api() const noexcept { return api_; }
  [[nodiscard]] VkDevice handle() const noexcept { return handle_; }

  void submit(const VkSubmitInfo2& work) const;
  /// Until all that was submitted has passed.
  void wait_idle() const;

 private:
  DeviceApi api_;
  VkDevice handle_ = VK_NULL_HANDLE;
  VkQueue queue_ = VK_NULL_HANDLE;
  mutable std::mutex queue_mutex_;  // guards what queue_ stands for
};

/// Any thread may call any member.
class Device {
 public:
  /// `cache_path`: VulkanOptions::pipeline_cache.
  Device(PhysicalDevice physical, VulkanBodies bodies, const std::string& cache_path);
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;
  ~Device();

  [[nodiscard]] const DeviceApi& api() const noexcept { return logical_.api(); }
  [[nodiscard]] VkDevice handle() const noexcept { return logical_.handle(); }
  [[nodiscard]] const LogicalDevice& logical() const noexcept { return logical_; }
  [[nodiscard]] const PhysicalDevice& physical() const noexcept { return physical_; }
  /// What the backend was asked to run.
  [[nodiscard]] VulkanBodies bodies() const noexcept { return bodies_; }

  [[nodiscard]] Arena& arena() noexcept { return arena_; }
  [[nodiscard]] Pipelines& pipelines() noexcept { return pipelines_; }
  [[nodiscard]] PipelineCache& pipeline_cache() noexcept { return pipeline_cache_; }
  [[nodiscard]] const FillPatterns& fill_patterns() const noexcept { return fill_patterns_; }

 private:
  PhysicalDevice physical_;
  VulkanBodies bodies_;
  LogicalDevice logical_;
  Arena arena_;
  FillPatterns fill_patterns_;
  PipelineCache pipeline_cache_;
  Pipelines pipelines_;
};

/// The device that a backend's options ask for. Throws Error{device_unavailable}.
[[nodiscard]] std::shared_ptr<Device> open_device(const VulkanOptions& options);

}  // namespace switchyard::vulkan
