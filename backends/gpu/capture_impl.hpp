// SPDX-License-Identifier: Apache-2.0
// Capture and replay of GpuRuntime<Api>: what a stream does differently while it is captured.
#pragma once

#include <cstddef>
#include <cstdint>

#include "backends/gpu/runtime_impl.hpp"

namespace switchyard {
namespace gpu {

/// Adds a node behind what the stream has captured so far: make(&node, graph, dependencies, count).
template <class Api, class Make>
void capture_node(typename Api::NativeStream stream, std::string_view call, Make make) {
  using N = Native<Api>;
  typename N::CaptureState state{};
  check<Api>(N::capture_state(stream, state), "StreamGetCaptureInfo");
  typename N::Node node{};
  check<Api>(make(&node, state.graph, state.dependencies, state.num_dependencies), call);
  check<Api>(N::continue_after(stream, &node), "StreamUpdateCaptureDependencies");
}

}  // namespace gpu

template <class Api>
void GpuRuntime<Api>::record_event(int device, NativeStream stream, NativeEvent event) {
  using N = gpu::Native<Api>;
  const gpu::DeviceScope<Api> scope(device);
  if (!is_capturing(device, stream))
    return gpu::check<Api>(N::kEventRecord(event, stream), "EventRecord");
  gpu::capture_node<Api>(
      stream, "GraphAddEventRecordNode",
      [&](auto* node, auto graph, auto* dependencies, std::size_t num_dependencies) {
        return N::kGraphAddEventRecordNode(node, graph, dependencies, num_dependencies, event);
      });
}

template <class Api>
void GpuRuntime<Api>::wait_event(int device, NativeStream stream, NativeEvent event) {
  using N = gpu::Native<Api>;
  const gpu::DeviceScope<Api> scope(device);
  if (!is_capturing(device, stream))
    return gpu::check<Api>(N::kStreamWaitEvent(stream, event, 0), "StreamWaitEvent");
  gpu::capture_node<Api>(
      stream, "GraphAddEventWaitNode",
      [&](auto* node, auto graph, auto* dependencies, std::size_t num_dependencies) {
        return N::kGraphAddEventWaitNode(node, graph, dependencies, num_dependencies, event);
      });
}

template <class Api>
void GpuRuntime<Api>::begin_capture(int device, NativeStream stream) {
  using N = gpu::Native<Api>;
  const gpu::DeviceScope<Api> scope(device);
  if (is_capturing(device, stream))
    throw Error(ErrorCode::invalid_argument,
                "stream is being captured, must not be captured again");
  gpu::check<Api>(N::kStreamBeginCapture(stream, N::kCaptureModeGlobal), "StreamBeginCapture");
}

template <class Api>
void GpuRuntime<Api>::abandon_capture(int device, NativeStream stream) noexcept {
  using N = gpu::Native<Api>;
  const gpu::DeviceScope<Api> scope(device);
  NativeGraph graph = nullptr;
  static_cast<void>(N::kStreamEndCapture(stream, &graph));
  if (graph != nullptr) static_cast<void>(N::kGraphDestroy(graph));
  static_cast<void>(N::kGetLastError());
}

template <class Api>
typename Api::NativeGraph GpuRuntime<Api>::end_capture(int device, NativeStream stream) {
  const gpu::DeviceScope<Api> scope(device);
  NativeGraph graph = nullptr;
  gpu::check<Api>(gpu::Native<Api>::kStreamEndCapture(stream, &graph), "StreamEndCapture");
  return graph;
}

template <class Api>
void GpuRuntime<Api>::destroy_graph(int device, NativeGraph graph) noexcept {
  const gpu::DeviceScope<Api> scope(device);
  static_cast<void>(gpu::Native<Api>::kGraphDestroy(graph));
}

template <class Api>
std::int64_t GpuRuntime<Api>::num_nodes(int device, NativeGraph graph) {
  const gpu::DeviceScope<Api> scope(device);
  std::size_t count = 0;
  gpu::check<Api>(gpu::Native<Api>::kGraphGetNodes(graph, nullptr, &count), "GraphGetNodes");
  return static_cast<std::int64_t>(count);
}

template <class Api>
typename Api::NativeGraphExec GpuRuntime<Api>::instantiate(int device, NativeGraph graph) {
  const gpu::DeviceScope<Api> scope(device);
  NativeGraphExec executable = nullptr;
  gpu::check<Api>(gpu::Native<Api>::instantiate(&executable, graph), "GraphInstantiate");
  return executable;
}

template <class Api>
void GpuRuntime<Api>::destroy_executable(int device, NativeGraphExec executable) noexcept {
  const gpu::DeviceScope<Api> scope(device);
  static_cast<void>(gpu::Native<Api>::kGraphExecDestroy(executable));
}

template <class Api>
void GpuRuntime<Api>::replay(int device, NativeStream stream, NativeGraphExec executable) {
  const gpu::DeviceScope<Api> scope(device);
  gpu::check<Api>(gpu::Native<Api>::kGraphLaunch(executable, stream), "GraphLaunch");
}

template <class Api>
void GpuRuntime<Api>::capture_replay(int device, NativeStream stream, NativeGraph graph) {
  const gpu::DeviceScope<Api> scope(device);
  gpu::capture_node<Api>(
      stream, "GraphAddChildGraphNode",
      [&](auto* node, auto into, auto* dependencies, std::size_t num_dependencies) {
        return gpu::Native<Api>::kGraphAddChildGraphNode(node, into, dependencies, num_dependencies,
                                                         graph);
      });
}

}  // namespace switchyard
