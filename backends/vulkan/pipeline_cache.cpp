// SPDX-License-Identifier: Apache-2.0
#include "backends/vulkan/pipeline_cache.hpp"

#include <utility>

#include "backends/vulkan/cache_file.hpp"
#include "backends/vulkan/check.hpp"
#include "backends/vulkan/device.hpp"
#include "switchyard/error.hpp"

namespace switchyard::vulkan {

PipelineCache::PipelineCache(const LogicalDevice& device, const PhysicalDevice& physical,
                             std::string path)
    : device_(device), path_(std::move(path)) {
  if (path_.empty()) return;
  const std::vector<std::byte> kept = read_cache_file(path_, physical.cache_owner);
  auto info = structure<VkPipelineCacheCreateInfo>(VK_STRUCTURE_TYPE_PIPELINE_CACHE_CREATE_INFO);
  info.initialDataSize = kept.size();
  info.pInitialData = kept.data();
  check(device.api().CreatePipelineCache(device.handle(), &info, nullptr, &handle_),
        "vkCreatePipelineCache");
  bytes_in_file_ = kept.size();
}

PipelineCache::~PipelineCache() {
  if (handle_ == VK_NULL_HANDLE) return;
  try {
    save();
  } catch (const std::exception&) {  // what is not kept is compiled again
  }
  device_.api().DestroyPipelineCache(device_.handle(), handle_, nullptr);
}

std::vector<std::byte> PipelineCache::contents() const {
  std::size_t size = 0;
  check(device_.api().GetPipelineCacheData(device_.handle(), handle_, &size, nullptr),
        "vkGetPipelineCacheData");
  std::vector<std::byte> bytes(size);
  check(device_.api().GetPipelineCacheData(device_.handle(), handle_, &size, bytes.data()),
        "vkGetPipelineCacheData");
  bytes.resize(size);
  return bytes;
}

void PipelineCache::save() {
  if (handle_ == VK_NULL_HANDLE) return;
  const std::vector<std::byte> bytes = contents();
  if (bytes.size() == bytes_in_file_) return;
  write_cache_file(path_, bytes);
  bytes_in_file_ = bytes.size();
}

}  // namespace switchyard::vulkan
