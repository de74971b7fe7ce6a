// SPDX-License-Identifier: Apache-2.0
// What a driver remembers of the pipelines it has compiled, kept in a file from one run to the
// next.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "backends/vulkan/physical_device.hpp"

namespace switchyard::vulkan {

class LogicalDevice;

/// Any thread may make pipelines with it; the other members are one thread's.
class PipelineCache {
 public:
  /// Starts with what the file at `path` has for this device; without a path there is no cache.
  PipelineCache(const LogicalDevice& device, const PhysicalDevice& physical, std::string path);
  PipelineCache(const PipelineCache&) = delete;
  PipelineCache& operator=(const PipelineCache&) = delete;
  ~PipelineCache();

  /// For vkCreateComputePipelines; null: none.
  [[nodiscard]] VkPipelineCache handle() const noexcept { return handle_; }
  /// Writes the file where there is more to keep than was read or written last. Throws
  /// Error{io_failure}.
  void save();

 private:
  [[nodiscard]] std::vector<std::byte> contents() const;

  const LogicalDevice& device_;
  std::string path_;
  VkPipelineCache handle_ = VK_NULL_HANDLE;
  std::size_t bytes_in_file_ = 0;
};

}  // namespace switchyard::vulkan
