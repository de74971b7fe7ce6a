// SPDX-License-Identifier: Apache-2.0
// Pipelines of the bodies.
#pragma once

#include <cstdint>
#include <mutex>
#include <span>
#include <string_view>
#include <vector>

#include "backends/vulkan/physical_device.hpp"
#include "backends/vulkan/pipeline_cache.hpp"
#include "backends/vulkan/products.hpp"
#include "backends/vulkan/specialization.hpp"

namespace switchyard::vulkan {

class LogicalDevice;

/// Any thread may call any member.
class Pipelines {
 public:
  /// `cache` outlives this object.
  Pipelines(const LogicalDevice& device, const PhysicalDevice& physical,
            const PipelineCache& cache);
  Pipelines(const Pipelines&) = delete;
  Pipelines& operator=(const Pipelines&) = delete;
  ~Pipelines();

  /// The layout of all pipelines: a parameter block as push constants.
  [[nodiscard]] VkPipelineLayout layout() const noexcept { return layout_; }
  /// The pipeline for launches like this one; makes it where it is not there yet.
  [[nodiscard]] VkPipeline find(const BodyLaunch& launch);
  /// Makes the pipelines of all these launches that are not there yet, on several threads: drivers
  /// compile slowly. Called before any other thread knows this object.
  void make_all(std::span<const BodyLaunch> launches);

 private:
  struct Pipeline {
    std::string_view body;
    Specialization specialization;
    VkPipeline handle;
  };

  [[nodiscard]] Pipeline* find_made(std::string_view body, const Specialization& specialization);
  [[nodiscard]] VkPipeline make(std::string_view body, const Specialization& specialization) const;

  const LogicalDevice& device_;
  const PhysicalDevice& physical_;
  const PipelineCache& cache_;
  VkPipelineLayout layout_ = VK_NULL_HANDLE;
  std::mutex mutex_;  // guards pipelines_
  std::vector<Pipeline> pipelines_;
};

}  // namespace switchyard::vulkan
