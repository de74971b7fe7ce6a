// SPDX-License-Identifier: Apache-2.0
#include "backends/vulkan/stream.hpp"

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

#include "backends/vulkan/check.hpp"
#include "switchyard/error.hpp"

namespace switchyard::vulkan {
namespace {

constexpr std::size_t kExpectedWaits = 16;

[[nodiscard]] VkDeviceAddress address_of(const void* data) noexcept {
  return reinterpret_cast<VkDeviceAddress>(data);
}

[[nodiscard]] VkSemaphoreSubmitInfo semaphore_info(VkSemaphore semaphore, std::uint64_t value) {
  auto info = structure<VkSemaphoreSubmitInfo>(VK_STRUCTURE_TYPE_SEMAPHORE_SUBMIT_INFO);
  info.semaphore = semaphore;
  info.value = value;
  info.stageMask = VK_PIPELINE_STAGE_2_ALL_COMMANDS_BIT;
  return info;
}

}  // namespace

StreamState::StreamState(std::shared_ptr<Device> device)
    : device_(std::move(device)),
      timeline_(std::make_shared<Timeline>(device_, *this)),
      pool_(device_, kBatches),
      staging_(device_->logical(), device_->physical(), MemoryKind::staging,
               kBatches * kStagingBytes),
      slot_(device_) {
  for (Batch& batch : batches_) {
    batch.waits.reserve(kExpectedWaits);
    batch.events.reserve(kMaxOperations);
  }
}

StreamState::~StreamState() {
  const auto lock = timeline_->lock();
  timeline_->detach();
  try {
    flush();
    timeline_->wait_for(submitted_);
  } catch (const Error&) {  // the device is lost: nothing runs any more
  }
}

// Batches.

StreamState::Batch& StreamState::next_batch() {
  Batch& batch = batches_[current_];
  timeline_->wait_for(batch.value);
  batch.num_operations = 0;
  batch.ending = Ending::other;
  batch.staging_used = 0;
  batch.waits.clear();
  batch.events.clear();
  batch.segment.reset();
  return batch;
}

StreamState::Batch& StreamState::open_batch() {
  if (is_open_) return batches_[current_];
  Batch& batch = next_batch();
  pool_.begin(current_, VK_COMMAND_BUFFER_USAGE_ONE_TIME_SUBMIT_BIT);
  is_open_ = true;
  return batch;
}

Recorder StreamState::recorder() {
  if (capture_) return capture_->recorder();
  Batch& batch = open_batch();
  ++batch.num_operations;
  return {*device_, pool_.at(current_), batch.ending, slot_};
}

void StreamState::close_if_full() {
  if (is_open_ && batches_[current_].num_operations >= kMaxOperations) flush();
}

void StreamState::flush() {
  if (!is_open_) return;
  is_open_ = false;  // whatever fails below, the batch is gone
  try {
    pool_.end(current_);
    submit(pool_.at(current_));
  } catch (...) {
    for (const std::shared_ptr<EventState>& event : batches_[current_].events)
      event->forget(*timeline_, submitted_ + 1);
    throw;
  }
}

void StreamState::submit(VkCommandBuffer commands) {
  Batch& batch = batches_[current_];
  std::array<VkSemaphoreSubmitInfo, kExpectedWaits> waits{};
  std::transform(batch.waits.begin(), batch.waits.end(), waits.begin(),
                 [](const TimelinePoint& point) {
                   return semaphore_info(point.timeline->handle(), point.value);
                 });
  auto buffer = structure<VkCommandBufferSubmitInfo>(VK_STRUCTURE_TYPE_COMMAND_BUFFER_SUBMIT_INFO);
  buffer.commandBuffer = commands;
  const VkSemaphoreSubmitInfo signal = semaphore_info(timeline_->handle(), submitted_ + 1);
  auto info = structure<VkSubmitInfo2>(VK_STRUCTURE_TYPE_SUBMIT_INFO_2);
  info.waitSemaphoreInfoCount = static_cast<std::uint32_t>(batch.waits.size());
  info.pWaitSemaphoreInfos = waits.data();
  info.commandBufferInfoCount = 1;
  info.pCommandBufferInfos = &buffer;
  info.signalSemaphoreInfoCount = 1;
  info.pSignalSemaphoreInfos = &signal;
  device_->logical().submit(info);
  batch.value = ++submitted_;
  current_ = (current_ + 1) % kBatches;
}

void StreamState::submit_segment(const std::shared_ptr<const Segment>& segment) {
  flush();
  next_batch().segment = segment;
  submit(segment->commands());
}

void StreamState::start_after(TimelinePoint point) {
  std::vector<TimelinePoint>* waits = &open_batch().waits;
  const auto known = std::find_if(
      waits->begin(), waits->end(),
      [&point](const TimelinePoint& other) { return other.timeline == point.timeline; });
  if (known != waits->end()) {
    known->value = std::max(known->value, point.value);
    return;
  }
  if (waits->size() == kExpectedWaits) {
    flush();
    waits = &open_batch().waits;
  }
  waits->push_back(std::move(point));
}

StreamState::Staging StreamState::take_staging(std::size_t bytes) {
  if (open_batch().staging_used == kStagingBytes) flush();
  Batch& batch = open_batch();
  const auto size = std::min<VkDeviceSize>(bytes, kStagingBytes - batch.staging_used);
  const VkDeviceSize offset = current_ * kStagingBytes + batch.staging_used;
  batch.staging_used += size;
  return {{static_cast<std::byte*>(staging_.mapped()) + offset, size}, {staging_.buffer(), offset}};
}

// Operations.

void StreamState::upload(DeviceSpan<std::byte> to, std::span<const std::byte> from) {
  if (from.empty()) return;
  const auto lock = timeline_->lock();
  if (capture_) return capture_->add(UploadNode{to, from});
  auto place = device_->arena().find(address_of(to.data()), to.size());
  while (!from.empty()) {
    const Staging staging = take_staging(from.size());
    std::memcpy(staging.host.data(), from.data(), staging.host.size());
    recorder().copy(place, staging.place, staging.host.size());
    close_if_full();
    place.offset += staging.host.size();
    from = from.subspan(staging.host.size());
  }
}

void StreamState::download(std::span<std::byte> to, DeviceSpan<const std::byte> from) {
  refuse_while_capturing("download");
  if (to.empty()) return;
  const auto lock = timeline_->lock();
  auto place = device_->arena().find(address_of(from.data()), from.size());
  while (!to.empty()) {
    const Staging staging = take_staging(to.size());
    Recorder commands = recorder();
    commands.copy(staging.place, place, staging.host.size());
    commands.show_to_host();
    flush();
    timeline_->wait_for(submitted_);
    std::memcpy(to.data(), staging.host.data(), staging.host.size());
    place.offset += staging.host.size();
    to = to.subspan(staging.host.size());
  }
}

void StreamState::copy(DeviceSpan<std::byte> to, DeviceSpan<const std::byte> from) {
  if (to.empty() || to.data() == from.data()) return;
  const auto lock = timeline_->lock();
  const auto target = device_->arena().find(address_of(to.data()), to.size());
  const auto source = device_->arena().find(address_of(from.data()), from.size());
  recorder().copy(target, source, to.size());
  close_if_full();
}

void StreamState::fill(DeviceSpan<std::byte> to, std::byte value) {
  if (to.empty()) return;
  const auto lock = timeline_->lock();
  const auto target = device_->arena().find(address_of(to.data()), to.size());
  recorder().fill(target, to.size(), value);
  close_if_full();
}

void StreamState::launch(const BodyLaunch& launch, std::span<const std::byte> params) {
  const auto lock = timeline_->lock();
  recorder().launch(launch, params);
  close_if_full();
}

void StreamState::record(const std::shared_ptr<EventState>& event) {
  if (capture_) return capture_->add(RecordNode{event});
  wait(event);  // its clock may be in use elsewhere
  const auto lock = timeline_->lock();
  recorder().timestamp(*event);
  batches_[current_].events.push_back(event);
  event->set_latest({timeline_, submitted_ + 1});
  close_if_full();
}

void StreamState::wait(const std::shared_ptr<EventState>& event) {
  if (capture_) return capture_->add(WaitNode{event});
  TimelinePoint point = event->latest();
  if (point.timeline == nullptr || point.timeline == timeline_) return;
  point.timeline->submit_up_to(point.value);
  const auto lock = timeline_->lock();
  start_after(std::move(point));
}

void StreamState::synchronize() {
  refuse_while_capturing("synchronize");
  const auto lock = timeline_->lock();
  flush();
  timeline_->wait_for(submitted_);
}

// Graphs.

void StreamState::begin_capture() {
  if (capture_)
    throw Error(ErrorCode::invalid_argument,
                "stream is being captured, must not be captured again");
  capture_.emplace(device_);
}

GraphState StreamState::end_capture() {
  Capture capture = std::move(capture_).value();
  capture_.reset();
  return capture.finish();
}

void StreamState::replay(const GraphState& graph) {
  if (capture_) return capture_->add(graph);
  struct Run {
    StreamState& stream;
    void operator()(const std::shared_ptr<const Segment>& segment) const {
      const auto lock = stream.timeline_->lock();
      stream.submit_segment(segment);
    }
    void operator()(const UploadNode& node) const { stream.upload(node.to, node.from); }
    void operator()(const RecordNode& node) const { stream.record(node.event); }
    void operator()(const WaitNode& node) const { stream.wait(node.event); }
  };
  for (const Node& node : graph.nodes) std::visit(Run{*this}, node);
}

void StreamState::refuse_while_capturing(std::string_view operation) const {
  if (capture_)
    throw Error(ErrorCode::not_capturable,
                std::string(operation) + " waits for the device and cannot be captured");
}

}  // namespace switchyard::vulkan
