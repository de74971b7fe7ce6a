// SPDX-License-Identifier: Apache-2.0
// Every call of Vulkan's that can fail does so once: an Error of the documented code names it, and
// the next use is right. Then devices that lack something, memory that runs out, devices that are
// lost. What is left behind, the validation layer tells. Exits 77 where there is no device.
#include <cstdio>
#include <filesystem>
#include <map>
#include <random>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

#include "switchyard/backends/vulkan.hpp"
#include "switchyard/error.hpp"
#include "vulkan_fault/checks.hpp"
#include "vulkan_fault/fault_loader.hpp"
#include "vulkan_fault/use.hpp"

namespace {

using namespace switchyard;
using namespace switchyard::fault;

/// Lets the calls 1 .. count of `run` fail in turn, and uses the backend of `again` after each.
template <class Run, class Again>
void fail_each(std::int64_t count, std::map<std::string, int>& seen, Run run, Again again) {
  for (std::int64_t k = 1; k <= count; ++k) {
    switchyard_fault_at(k);
    std::string message;
    ErrorCode code{};
    try {
      run();
    } catch (const Error& error) {
      message = error.what();
      code = error.code();
    }
    const std::string name = switchyard_fault_name();
    const ErrorCode documented =
        switchyard_fault_is_of_memory() ? ErrorCode::out_of_memory : ErrorCode::device_failure;
    switchyard_fault_at(0);
    if (name.empty() || message.find(name) == std::string::npos || code != documented)
      throw std::logic_error("call " + std::to_string(k) + ", '" + name + "', failed: " +
                             std::string(switchyard::name(code)) + " '" + message + "'");
    ++seen[name];
    again();
  }
}

/// The process has one instance: the calls that make it fail here, in turn.
void fail_instance() {
  std::int64_t k = 0;
  for (const std::string expected : {"vkEnumerateInstanceVersion", "vkCreateInstance"}) {
    switchyard_fault_at(++k);
    const DeviceList list = VulkanBackend::devices();
    const std::string name = switchyard_fault_name();
    switchyard_fault_at(k);
    expect_error(ErrorCode::device_unavailable, expected, [] { const VulkanBackend backend; });
    switchyard_fault_at(0);
    if (name != expected || list.reason.find(name) == std::string::npos)
      throw std::logic_error("'" + name + "' failed: '" + list.reason + "'");
  }
}

/// A name for a file in the folder for temporary ones; the file goes with this object.
struct TemporaryFile {
  std::string path = (std::filesystem::temp_directory_path() /
                      ("switchyard-fault-" + std::to_string(std::random_device()())))
                         .string();

  TemporaryFile() = default;
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  ~TemporaryFile() {
    std::error_code ignored;
    std::filesystem::remove(path, ignored);
  }
};

void check() {
  const TemporaryFile cache;
  VulkanOptions options;
  options.pipeline_cache = cache.path;
  std::map<std::string, int> seen;
  switchyard_fault_at(0);
  std::int64_t calls_to_open = 0;
  {
    const VulkanBackend backend(options);
    calls_to_open = switchyard_fault_calls();
  }
  fail_each(
      calls_to_open, seen, [&] { const VulkanBackend backend(options); }, [] {});
  VulkanBackend backend;
  static_cast<void>(use(backend));
  switchyard_fault_at(0);
  const std::int64_t calls_to_use = use(backend).all;
  fail_each(
      calls_to_use, seen, [&] { static_cast<void>(use(backend)); },
      [&] { static_cast<void>(use(backend)); });
  for (const auto& [name, times] : seen) std::printf("%4d  %s\n", times, name.c_str());
  if (seen.size() < 15) throw std::logic_error("few kinds of calls were made");
}

}  // namespace

int main() {
  try {
    fail_instance();
  } catch (const std::exception& error) {
    std::printf("FAILED: %s\n", error.what());
    return 1;
  }
  const DeviceList list = VulkanBackend::devices();
  if (list.devices.empty()) {
    std::printf("skipped: vulkan: %s\n", list.reason.c_str());
    return 77;
  }
  try {
    check();
    check_devices();
    check_memory();
    check_lost_device();
  } catch (const std::exception& error) {
    std::printf("FAILED: %s\n", error.what());
    return 1;
  }
  std::printf(
      "every failure was reported, and the next use was right; so with lesser and lost devices\n");
  return 0;
}
