// SPDX-License-Identifier: Apache-2.0
// Every call of Vulkan's that can fail does so once: an Error names it, and the next use is right.
// What is left behind, the validation layer tells. Exits 77 where there is no device.
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <map>
#include <random>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

#include "kernels/combine/params.hpp"
#include "switchyard/backends/vulkan.hpp"
#include "switchyard/error.hpp"
#include "vulkan_fault/fault_loader.hpp"

namespace {

using namespace switchyard;

constexpr std::size_t kWidth = 33;

/// Uses every operation of the backend; throws std::logic_error for a wrong result. Returns how
/// many calls it has made, those of its destructors not counted: they report nothing.
std::int64_t use(VulkanBackend& backend) {
  auto stream = backend.make_stream();
  auto other = backend.make_stream();
  auto start = backend.make_event();
  auto stop = backend.make_event();
  const auto added = backend.allocate<float>(kWidth);
  const auto sum = backend.allocate<float>(kWidth);
  const auto skipped = backend.allocate<PackedRow>(1);
  const std::vector<float> ones(kWidth, 1.0F);
  backend.upload(stream, as_writable_bytes(added.span()), std::as_bytes(std::span(ones)));
  backend.fill(stream, as_writable_bytes(sum.span()), std::byte{0});
  backend.fill(stream, as_writable_bytes(skipped.span()), std::byte{0xff});

  kernels::CombineParams params{};  // sum += added
  params.pairs_by_token = skipped.span().data();
  params.shared_rows = added.span().data();
  params.residual = sum.span().data();
  params.output = sum.span().data();
  params.num_tokens = 1;
  params.top_k = 1;
  params.hidden_size = static_cast<std::int32_t>(kWidth);
  const auto add = [&](VulkanBackend::Stream& on) {
    backend.launch<kernels::Combine>(on, {}, params);
  };
  backend.record(stream, start);
  add(stream);
  backend.record(stream, stop);
  backend.wait(other, stop);
  add(other);
  backend.synchronize(other);
  static_cast<void>(backend.elapsed_us(start, stop));
  const auto inner = backend.capture(stream, [&] { add(stream); });
  const auto graph = backend.capture(stream, [&] {
    backend.replay(stream, inner);
    backend.upload(stream, as_writable_bytes(added.span()), std::as_bytes(std::span(ones)));
    backend.record(stream, stop);
    add(stream);
  });
  for (int i = 0; i < 20; ++i) backend.replay(stream, graph);
  std::vector<float> result(kWidth);
  backend.download(stream, std::as_writable_bytes(std::span(result)), as_bytes(sum.span()));
  backend.synchronize(stop);
  backend.synchronize(stream);
  if (result != std::vector<float>(kWidth, 42.0F)) throw std::logic_error("a result is wrong");
  return switchyard_fault_calls();
}

/// Lets the calls 1 .. count of `run` fail in turn, and uses the backend of `again` after each.
template <class Run, class Again>
void fail_each(std::int64_t count, std::map<std::string, int>& seen, Run run, Again again) {
  for (std::int64_t k = 1; k <= count; ++k) {
    switchyard_fault_at(k);
    std::string message;
    try {
      run();
    } catch (const Error& error) {
      message = error.what();
    }
    const std::string name = switchyard_fault_name();
    switchyard_fault_at(0);
    if (name.empty() || message.find(name) == std::string::npos)
      throw std::logic_error("call " + std::to_string(k) + ", '" + name + "', failed: '" + message +
                             "'");
    ++seen[name];
    again();
  }
}

/// The process has one instance: the first call that makes it fails here.
void fail_instance() {
  switchyard_fault_at(1);
  const DeviceList list = VulkanBackend::devices();
  const std::string name = switchyard_fault_name();
  switchyard_fault_at(0);
  if (name != "vkCreateInstance" || list.reason.find(name) == std::string::npos)
    throw std::logic_error("'" + name + "' failed: '" + list.reason + "'");
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
  const std::int64_t calls_to_use = use(backend);
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
  } catch (const std::exception& error) {
    std::printf("FAILED: %s\n", error.what());
    return 1;
  }
  std::printf("every failure was reported, and the next use was right\n");
  return 0;
}
