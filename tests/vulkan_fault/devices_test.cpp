// SPDX-License-Identifier: Apache-2.0
#include <stdexcept>
#include <string>

#include "switchyard/backends/vulkan.hpp"
#include "vulkan_fault/checks.hpp"
#include "vulkan_fault/fault_loader.hpp"
#include "vulkan_fault/use.hpp"

namespace switchyard::fault {
namespace {

/// Devices seem to be others for the time of a scope.
struct Disguised {
  explicit Disguised(const SwitchyardDisguise& disguise) { switchyard_fault_disguise(disguise); }
  Disguised(const Disguised&) = delete;
  Disguised& operator=(const Disguised&) = delete;
  ~Disguised() { switchyard_fault_disguise({}); }
};

void expect_refused(const SwitchyardDisguise& disguise, const std::string& reason) {
  const Disguised scope(disguise);
  const DeviceList list = VulkanBackend::devices();
  if (!list.devices.empty() || list.reason.find(reason) == std::string::npos)
    throw std::logic_error("not refused for '" + reason + "': '" + list.reason + "'");
  expect_error(ErrorCode::device_unavailable, reason, [] { const VulkanBackend backend; });
}

void refuse_lesser_devices() {
  for (const char* const feature :
       {"shaderInt16", "shaderInt64", "shaderInt8", "storageBuffer16BitAccess",
        "storagePushConstant8", "scalarBlockLayout", "bufferDeviceAddress", "timelineSemaphore",
        "subgroupSizeControl", "computeFullSubgroups", "synchronization2", "maintenance4"}) {
    SwitchyardDisguise disguise;
    disguise.lacks = feature;
    expect_refused(disguise, std::string("lacks ") + feature);
  }
  const auto refuse = [](auto member, std::uint32_t value, const char* reason) {
    SwitchyardDisguise disguise;
    disguise.*member = value;
    expect_refused(disguise, reason);
  };
  constexpr std::uint32_t kVulkan12 = (1U << 22U) | (2U << 12U);
  constexpr std::uint32_t kBallot = 8;
  refuse(&SwitchyardDisguise::api_version, kVulkan12, "has no Vulkan 1.3");
  refuse(&SwitchyardDisguise::push_bytes, 127, "maxPushConstantsSize is 127, must be at least 128");
  refuse(&SwitchyardDisguise::shared_bytes, 16383,
         "maxComputeSharedMemorySize is 16383, must be at least 16384");
  refuse(&SwitchyardDisguise::threads, 255,
         "maxComputeWorkGroupInvocations is 255, must be at least 256");
  for (const std::uint32_t wave : {1U, 4U, 24U, 128U})
    refuse(&SwitchyardDisguise::wave_size, wave, "must be 8, 16, 32 or 64");
  refuse(&SwitchyardDisguise::lacks_subgroup_operations, kBallot,
         "subgroups lack basic, arithmetic, ballot or shuffle operations");
}

void choose_among_several() {
  SwitchyardDisguise disguise;
  disguise.copies = 2;
  const std::size_t usual = VulkanBackend::devices().devices.size();
  const Disguised scope(disguise);
  const DeviceList list = VulkanBackend::devices();
  if (list.devices.size() != 2 * usual) throw std::logic_error("not every device is shown twice");
  for (std::size_t i = 0; i < list.devices.size(); ++i)
    if (list.devices[i].index != static_cast<int>(i)) throw std::logic_error("an index is wrong");
  VulkanOptions options;
  options.device = static_cast<int>(list.devices.size()) - 1;
  VulkanBackend last(options);
  VulkanBackend first;
  if (last.info().index != options.device || first.info().index != 0)
    throw std::logic_error("another device was opened");
  static_cast<void>(use(last));
  static_cast<void>(use(first));
  static_cast<void>(use(last));
  ++options.device;
  expect_error(ErrorCode::device_unavailable, "must be in [0, number of devices = ", [&] {
    const VulkanBackend backend(options);
  });
}

}  // namespace

void check_devices() {
  refuse_lesser_devices();
  choose_among_several();
}

}  // namespace switchyard::fault
