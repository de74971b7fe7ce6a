// SPDX-License-Identifier: Apache-2.0
// The state behind a Graph, and its recording.
#pragma once

#include <memory>
#include <span>
#include <variant>
#include <vector>

#include "backends/vulkan/command_pool.hpp"
#include "backends/vulkan/event.hpp"
#include "backends/vulkan/recorder.hpp"
#include "switchyard/device_span.hpp"

namespace switchyard::vulkan {

/// Operations that were recorded once and may be pending any number of times.
class Segment {
 public:
  explicit Segment(const std::shared_ptr<Device>& device) : slot_(device), pool_(device, 1) {
    pool_.begin(0, VK_COMMAND_BUFFER_USAGE_SIMULTANEOUS_USE_BIT);
  }
  void end() { pool_.end(0); }
  [[nodiscard]] VkCommandBuffer commands() const noexcept { return pool_.at(0); }
  [[nodiscard]] const DispatchSlot& slot() const noexcept { return slot_; }

 private:
  DispatchSlot slot_;
  CommandPool pool_;
};

/// Host memory that is read when the graph is replayed.
struct UploadNode {
  DeviceSpan<std::byte> to;
  std::span<const std::byte> from;
};
struct RecordNode {
  std::shared_ptr<EventState> event;
};
struct WaitNode {
  std::shared_ptr<EventState> event;
};
using Node = std::variant<std::shared_ptr<const Segment>, UploadNode, RecordNode, WaitNode>;

struct GraphState {
  std::vector<Node> nodes;
};

/// A graph in the making.
class Capture {
 public:
  explicit Capture(std::shared_ptr<Device> device) : device_(std::move(device)) {}

  /// Where to record the next operation.
  [[nodiscard]] Recorder recorder();
  void add(Node node);
  void add(const GraphState& graph);
  [[nodiscard]] GraphState finish();

 private:
  void close_segment();

  std::shared_ptr<Device> device_;
  std::shared_ptr<Segment> open_;  // null: the next operation begins one
  Ending ending_ = Ending::other;  // of open_
  GraphState graph_;
};

}  // namespace switchyard::vulkan
