// SPDX-License-Identifier: Apache-2.0
// The state behind a Stream: batches of commands on their way to the device.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "backends/vulkan/command_pool.hpp"
#include "backends/vulkan/event.hpp"
#include "backends/vulkan/graph.hpp"
#include "backends/vulkan/memory.hpp"
#include "backends/vulkan/recorder.hpp"
#include "backends/vulkan/timeline.hpp"
#include "switchyard/device_span.hpp"

namespace switchyard::vulkan {

/// Operations are recorded to the open batch, or to the capture. A batch is submitted as one
/// command buffer, which signals the stream's timeline; a graph's segment is a batch of its own.
/// Batches go round in a ring, each with a piece of staging memory. Enqueueing does not allocate
/// host memory. One thread at a time calls; beside it any thread may have the open batch submitted,
/// through the timeline, whose lock every member takes that touches batches.
class StreamState {
 public:
  explicit StreamState(std::shared_ptr<Device> device);
  StreamState(const StreamState&) = delete;
  StreamState& operator=(const StreamState&) = delete;
  ~StreamState();

  void upload(DeviceSpan<std::byte> to, std::span<const std::byte> from);
  void download(std::span<std::byte> to, DeviceSpan<const std::byte> from);
  void copy(DeviceSpan<std::byte> to, DeviceSpan<const std::byte> from);
  void fill(DeviceSpan<std::byte> to, std::byte value);
  void launch(const BodyLaunch& launch, std::span<const std::byte> params);
  /// The event passes with the batch that it is recorded to, which is submitted when it is full or
  /// when something waits for it.
  void record(const std::shared_ptr<EventState>& event);
  void wait(const std::shared_ptr<EventState>& event);
  void synchronize();

  [[nodiscard]] bool is_capturing() const noexcept { return capture_.has_value(); }
  void begin_capture();
  void abandon_capture() noexcept { capture_.reset(); }
  [[nodiscard]] GraphState end_capture();
  void replay(const GraphState& graph);

  /// Submits the open batch if it is number `value` or comes before. Called by the timeline, with
  /// its lock.
  void submit_up_to(std::uint64_t value) {
    if (submitted_ < value) flush();
  }

 private:
  static constexpr std::size_t kBatches = 16;
  static constexpr int kMaxOperations = 64;                                // of a batch
  static constexpr VkDeviceSize kStagingBytes = VkDeviceSize{512} << 10U;  // of a batch

  /// One trip to the device. What it uses lives until the batch is used again.
  struct Batch {
    std::uint64_t value = 0;  // that the timeline has when it has passed
    int num_operations = 0;
    Ending ending = Ending::other;
    VkDeviceSize staging_used = 0;
    std::vector<TimelinePoint> waits;
    std::vector<std::shared_ptr<EventState>> events;
    std::shared_ptr<const Segment> segment;
  };

  /// The batch of the ring that comes next, when its last trip has passed.
  Batch& next_batch();
  /// The batch that is being filled; begins one where there is none.
  Batch& open_batch();
  /// Where to record the next operation.
  [[nodiscard]] Recorder recorder();
  void close_if_full();
  /// Submits the open batch, if there is one.
  void flush();
  void submit(VkCommandBuffer commands);
  void submit_segment(const std::shared_ptr<const Segment>& segment);
  /// The open batch starts after `point`, which has been submitted.
  void start_after(TimelinePoint point);
  /// Staging memory of the open batch: at most `bytes`, at least one.
  struct Staging {
    std::span<std::byte> host;
    Arena::Place place;
  };
  [[nodiscard]] Staging take_staging(std::size_t bytes);
  void refuse_while_capturing(std::string_view operation) const;

  std::shared_ptr<Device> device_;
  std::shared_ptr<const Timeline> timeline_;
  CommandPool pool_;
  Memory staging_;
  DispatchSlot slot_;
  std::array<Batch, kBatches> batches_;
  std::size_t current_ = 0;
  bool is_open_ = false;
  std::uint64_t submitted_ = 0;  // the value of the last batch
  std::optional<Capture> capture_;
};

}  // namespace switchyard::vulkan
