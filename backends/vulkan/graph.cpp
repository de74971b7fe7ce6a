// SPDX-License-Identifier: Apache-2.0
#include "backends/vulkan/graph.hpp"

#include <utility>

namespace switchyard::vulkan {

Recorder Capture::recorder() {
  if (open_ == nullptr) {
    open_ = std::make_shared<Segment>(device_);
    ending_ = Ending::other;
  }
  return {*device_, open_->commands(), ending_, open_->slot()};
}

void Capture::close_segment() {
  if (open_ == nullptr) return;
  open_->end();
  graph_.nodes.emplace_back(std::shared_ptr<const Segment>(std::move(open_)));
  open_ = nullptr;
}

void Capture::add(Node node) {
  close_segment();
  graph_.nodes.push_back(std::move(node));
}

void Capture::add(const GraphState& graph) {
  close_segment();
  graph_.nodes.insert(graph_.nodes.end(), graph.nodes.begin(), graph.nodes.end());
}

GraphState Capture::finish() {
  close_segment();
  return std::move(graph_);
}

}  // namespace switchyard::vulkan
