// SPDX-License-Identifier: Apache-2.0
#include "backends/vulkan/pipelines.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <future>
#include <string>
#include <system_error>
#include <thread>

#include "backends/vulkan/check.hpp"
#include "backends/vulkan/device.hpp"
#include "backends/vulkan/float_controls.hpp"
#include "backends/vulkan/shaders.hpp"
#include "kernels/param_block.hpp"
#include "switchyard/error.hpp"

namespace switchyard::vulkan {
namespace {

constexpr std::size_t kExpectedPipelines = 64;

/// A module for the time of a scope: pipelines do not need it any longer.
class ShaderModule {
 public:
  ShaderModule(const LogicalDevice& device, std::span<const std::uint32_t> words)
      : device_(device) {
    auto info = structure<VkShaderModuleCreateInfo>(VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO);
    info.codeSize = words.size_bytes();
    info.pCode = words.data();
    check(device.api().CreateShaderModule(device.handle(), &info, nullptr, &handle_),
          "vkCreateShaderModule");
  }
  ShaderModule(const ShaderModule&) = delete;
  ShaderModule& operator=(const ShaderModule&) = delete;
  ~ShaderModule() { device_.api().DestroyShaderModule(device_.handle(), handle_, nullptr); }

  [[nodiscard]] VkShaderModule handle() const noexcept { return handle_; }

 private:
  const LogicalDevice& device_;
  VkShaderModule handle_ = VK_NULL_HANDLE;
};

[[nodiscard]] const Shader& shader_of(std::string_view body) {
  for (const Shader& shader : shaders())
    if (shader.body == body) return shader;
  throw Error(ErrorCode::device_failure, "there is no SPIR-V of " + std::string(body));
}

}  // namespace

Pipelines::Pipelines(const LogicalDevice& device, const PhysicalDevice& physical,
                     const PipelineCache& cache)
    : device_(device), physical_(physical), cache_(cache) {
  pipelines_.reserve(kExpectedPipelines);
  const VkPushConstantRange range{VK_SHADER_STAGE_COMPUTE_BIT, 0, kernels::kMaxParamBytes};
  auto info = structure<VkPipelineLayoutCreateInfo>(VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO);
  info.pushConstantRangeCount = 1;
  info.pPushConstantRanges = &range;
  check(device.api().CreatePipelineLayout(device.handle(), &info, nullptr, &layout_),
        "vkCreatePipelineLayout");
}

Pipelines::~Pipelines() {
  for (const Pipeline& pipeline : pipelines_)
    device_.api().DestroyPipeline(device_.handle(), pipeline.handle, nullptr);
  device_.api().DestroyPipelineLayout(device_.handle(), layout_, nullptr);
}

VkPipeline Pipelines::find(const BodyLaunch& launch) {
  const std::string_view body = launch.body;
  if (launch.shape.shared_bytes > physical_.shared_bytes)
    throw Error(ErrorCode::invalid_argument,
                std::string(body) + " needs " + std::to_string(launch.shape.shared_bytes) +
                    " bytes of shared memory, must be at most " +
                    std::to_string(physical_.shared_bytes) + ", what the device has");
  const Specialization wanted =
      specialize(launch, physical_.info.wave_size, physical_.shared_bytes);
  const std::scoped_lock lock(mutex_);
  if (const Pipeline* made = find_made(body, wanted); made != nullptr) return made->handle;
  Pipeline& added = pipelines_.emplace_back(Pipeline{body, wanted, VK_NULL_HANDLE});
  try {
    added.handle = make(body, wanted);
  } catch (...) {
    pipelines_.pop_back();
    throw;
  }
  return added.handle;
}

Pipelines::Pipeline* Pipelines::find_made(std::string_view body,
                                          const Specialization& specialization) {
  for (Pipeline& pipeline : pipelines_)
    if (pipeline.body == body && pipeline.specialization == specialization) return &pipeline;
  return nullptr;
}

void Pipelines::make_all(std::span<const BodyLaunch> launches) {
  const std::size_t first = pipelines_.size();
  for (const BodyLaunch& launch : launches) {
    const Specialization wanted =
        specialize(launch, physical_.info.wave_size, physical_.shared_bytes);
    if (find_made(launch.body, wanted) == nullptr)
      pipelines_.push_back({launch.body, wanted, VK_NULL_HANDLE});
  }
  std::atomic<std::size_t> next = first;
  const auto work = [&] {
    for (std::size_t i = next++; i < pipelines_.size(); i = next++)
      pipelines_[i].handle = make(pipelines_[i].body, pipelines_[i].specialization);
  };
  std::vector<std::future<void>> workers;
  const std::size_t helpers =
      std::min<std::size_t>(std::thread::hardware_concurrency(), pipelines_.size() - first);
  try {
    for (std::size_t i = 1; i < helpers; ++i)
      workers.push_back(std::async(std::launch::async, work));
  } catch (const std::system_error&) {  // no more threads: those that there are do it
  }
  work();
  for (std::future<void>& worker : workers) worker.get();
}

VkPipeline Pipelines::make(std::string_view body, const Specialization& specialization) const {
  const Shader& shader = shader_of(body);
  const ShaderModule module =
      shader.is_exact ? ShaderModule(device_, hold_to(physical_.float_controls, shader.words))
                      : ShaderModule(device_, shader.words);
  constexpr std::array<VkSpecializationMapEntry, 4> kEntries{
      {{0, offsetof(Specialization, wave_size), 4},
       {1, offsetof(Specialization, num_threads), 4},
       {2, offsetof(Specialization, shared_words), 4},
       {3, offsetof(Specialization, depth), 4}}};
  const VkSpecializationInfo constants{static_cast<std::uint32_t>(kEntries.size()), kEntries.data(),
                                       sizeof specialization, &specialization};
  auto wave = structure<VkPipelineShaderStageRequiredSubgroupSizeCreateInfo>(
      VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_REQUIRED_SUBGROUP_SIZE_CREATE_INFO);
  wave.requiredSubgroupSize = specialization.wave_size;
  auto info =
      structure<VkComputePipelineCreateInfo>(VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO);
  info.stage = structure<VkPipelineShaderStageCreateInfo>(
      VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO);
  info.stage.pNext = physical_.wave_size_varies ? &wave : nullptr;
  info.stage.flags = VK_PIPELINE_SHADER_STAGE_CREATE_REQUIRE_FULL_SUBGROUPS_BIT;
  info.stage.stage = VK_SHADER_STAGE_COMPUTE_BIT;
  info.stage.module = module.handle();
  info.stage.pName = "main";
  info.stage.pSpecializationInfo = &constants;
  info.layout = layout_;
  VkPipeline pipeline = VK_NULL_HANDLE;
  const VkResult result = device_.api().CreateComputePipelines(device_.handle(), cache_.handle(), 1,
                                                               &info, nullptr, &pipeline);
  if (result != VK_SUCCESS) fail(result, "vkCreateComputePipelines", " of " + std::string(body));
  return pipeline;
}

}  // namespace switchyard::vulkan
