// SPDX-License-Identifier: Apache-2.0
#include "switchyard/backends/vulkan.hpp"

#include <string>
#include <utility>

#include "backends/vulkan/fused_layer.hpp"
#include "backends/vulkan/stream.hpp"
#include "core/out_of_memory.hpp"
#include "switchyard/error.hpp"

namespace switchyard {
namespace vulkan {

void* allocate_bytes(Device& device, std::size_t bytes) {
  return reinterpret_cast<void*>(device.arena().allocate(bytes));
}

void free_bytes(Device& device, void* memory) noexcept {
  device.arena().free(reinterpret_cast<VkDeviceAddress>(memory));
}

}  // namespace vulkan

namespace {

void require_same_size(std::size_t to, std::size_t from) {
  if (to != from)
    throw Error(ErrorCode::invalid_argument,
                "destination has " + std::to_string(to) +
                    " bytes, must have as many as the source = " + std::to_string(from));
}

}  // namespace

VulkanBackend::Stream::Stream(std::unique_ptr<vulkan::StreamState> state) noexcept
    : state_(std::move(state)) {}
VulkanBackend::Stream::Stream(Stream&&) noexcept = default;
VulkanBackend::Stream& VulkanBackend::Stream::operator=(Stream&&) noexcept = default;
VulkanBackend::Stream::~Stream() = default;
bool VulkanBackend::Stream::is_capturing() const noexcept {
  return state_->is_capturing();
}

VulkanBackend::Graph::Graph(std::unique_ptr<vulkan::GraphState> state) noexcept
    : state_(std::move(state)) {}
VulkanBackend::Graph::Graph(Graph&&) noexcept = default;
VulkanBackend::Graph& VulkanBackend::Graph::operator=(Graph&&) noexcept = default;
VulkanBackend::Graph::~Graph() = default;

VulkanBackend::VulkanBackend(const VulkanOptions& options)
    : device_(core::translate_bad_alloc([&] { return vulkan::open_device(options); })) {}
VulkanBackend::~VulkanBackend() = default;

DeviceList VulkanBackend::devices() {
  DeviceList list;
  try {
    vulkan::PhysicalDevices found = vulkan::find_devices(vulkan::shared_instance());
    for (vulkan::PhysicalDevice& device : found.usable)
      list.devices.push_back(std::move(device.info));
    list.reason = std::move(found.reason);
  } catch (const Error& error) {
    list.devices.clear();
    list.reason = error.what();
  }
  return list;
}

const DeviceInfo& VulkanBackend::info() const noexcept {
  return device_->physical().info;
}

VulkanBodies VulkanBackend::bodies() const noexcept {
  return device_->bodies();
}

bool VulkanBackend::runs(ForwardPath path, const ForwardCall& call) const noexcept {
  const vulkan::ProductDevice device = device_->physical().product_device();
  switch (path) {
    case ForwardPath::staged:
      return true;
    case ForwardPath::route_plan:
      return vulkan::runs_route_plan(call, {device.wave_size, device.shared_bytes});
    case ForwardPath::fused_layer:
      return vulkan::runs_fused_layer(call, device, device_->bodies());
    case ForwardPath::coupled_layer:
      break;
  }
  return false;
}

ForwardPath VulkanBackend::choose_path(const ForwardCall& call) const noexcept {
  if (!runs(ForwardPath::route_plan, call)) return ForwardPath::staged;
  return vulkan::suits_fused_layer(call) && runs(ForwardPath::fused_layer, call)
             ? ForwardPath::fused_layer
             : ForwardPath::route_plan;
}

VulkanBackend::Stream VulkanBackend::make_stream() {
  return core::translate_bad_alloc(
      [&] { return Stream(std::make_unique<vulkan::StreamState>(device_)); });
}

VulkanBackend::Event VulkanBackend::make_event() {
  return core::translate_bad_alloc(
      [&] { return Event(std::make_shared<vulkan::EventState>(device_)); });
}

void VulkanBackend::upload(Stream& stream, DeviceSpan<std::byte> to,
                           std::span<const std::byte> from) {
  require_same_size(to.size(), from.size());
  stream.state_->upload(to, from);
}

void VulkanBackend::download(Stream& stream, std::span<std::byte> to,
                             DeviceSpan<const std::byte> from) {
  require_same_size(to.size(), from.size());
  stream.state_->download(to, from);
}

void VulkanBackend::copy(Stream& stream, DeviceSpan<std::byte> to,
                         DeviceSpan<const std::byte> from) {
  require_same_size(to.size(), from.size());
  stream.state_->copy(to, from);
}

void VulkanBackend::fill(Stream& stream, DeviceSpan<std::byte> to, std::byte value) {
  stream.state_->fill(to, value);
}

void VulkanBackend::record(Stream& stream, Event& event) {
  stream.state_->record(event.state_);
}

void VulkanBackend::wait(Stream& stream, const Event& event) {
  stream.state_->wait(event.state_);
}

double VulkanBackend::elapsed_us(const Event& start, const Event& stop) const {
  return vulkan::elapsed_us(*device_, *start.state_, *stop.state_);
}

void VulkanBackend::synchronize(Stream& stream) {
  stream.state_->synchronize();
}

void VulkanBackend::synchronize(const Event& event) {
  const vulkan::TimelinePoint point = event.state_->latest();
  if (point.timeline == nullptr) return;
  point.timeline->submit_up_to(point.value);
  point.timeline->wait_for(point.value);
}

void VulkanBackend::begin_capture(Stream& stream) {
  stream.state_->begin_capture();
}

void VulkanBackend::abandon_capture(Stream& stream) noexcept {
  stream.state_->abandon_capture();
}

VulkanBackend::Graph VulkanBackend::end_capture(Stream& stream) {
  return core::translate_bad_alloc(
      [&] { return Graph(std::make_unique<vulkan::GraphState>(stream.state_->end_capture())); });
}

void VulkanBackend::replay(Stream& stream, const Graph& graph) {
  stream.state_->replay(*graph.state_);
}

}  // namespace switchyard
