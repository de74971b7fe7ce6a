// SPDX-License-Identifier: Apache-2.0
#include <hip/hip_runtime_api.h>

#include "backends/gpu/capture_impl.hpp"
#include "switchyard/backends/hip.hpp"

namespace switchyard {

template <>
struct gpu::Native<HipApi> {
  using Status = hipError_t;
  using Node = hipGraphNode_t;
  using CaptureMode = hipStreamCaptureMode;
  using Properties = hipDeviceProp_t;

  static constexpr Status kSuccess = hipSuccess;
  static constexpr Status kOutOfMemory = hipErrorOutOfMemory;
  static constexpr Status kNotReady = hipErrorNotReady;
  static constexpr Status kInvalidHandle = hipErrorInvalidHandle;
  static constexpr auto kHostToDevice = hipMemcpyHostToDevice;
  static constexpr auto kDeviceToHost = hipMemcpyDeviceToHost;
  static constexpr auto kDeviceToDevice = hipMemcpyDeviceToDevice;
  static constexpr auto kNotCapturing = hipStreamCaptureStatusNone;
  static constexpr auto kCaptureModeGlobal = hipStreamCaptureModeGlobal;
  static constexpr auto kCaptureModeRelaxed = hipStreamCaptureModeRelaxed;
  static constexpr unsigned kStreamNonBlocking = hipStreamNonBlocking;

  static constexpr auto kGetLastError = &hipGetLastError;
  static constexpr auto kGetErrorName = &hipGetErrorName;
  static constexpr auto kGetErrorString = &hipGetErrorString;
  static constexpr auto kGetDeviceCount = &hipGetDeviceCount;
  static constexpr auto kGetDeviceProperties = &hipGetDeviceProperties;
  static constexpr auto kGetDevice = &hipGetDevice;
  static constexpr auto kSetDevice = &hipSetDevice;

  static constexpr Status (*kMalloc)(void**, std::size_t) = &hipMalloc;
  static constexpr auto kFree = &hipFree;
  static constexpr auto kMemcpyAsync = &hipMemcpyAsync;
  static constexpr auto kMemsetAsync = &hipMemsetAsync;

  static constexpr auto kStreamCreateWithFlags = &hipStreamCreateWithFlags;
  static constexpr auto kStreamDestroy = &hipStreamDestroy;
  static constexpr auto kStreamSynchronize = &hipStreamSynchronize;
  static constexpr auto kStreamWaitEvent = &hipStreamWaitEvent;
  static constexpr auto kStreamIsCapturing = &hipStreamIsCapturing;
  static constexpr auto kStreamBeginCapture = &hipStreamBeginCapture;
  static constexpr auto kStreamEndCapture = &hipStreamEndCapture;
  static constexpr auto kThreadExchangeStreamCaptureMode = &hipThreadExchangeStreamCaptureMode;

  static constexpr auto kEventCreate = &hipEventCreate;
  static constexpr auto kEventDestroy = &hipEventDestroy;
  static constexpr auto kEventRecord = &hipEventRecord;
  static constexpr auto kEventSynchronize = &hipEventSynchronize;
  static constexpr auto kEventElapsedTime = &hipEventElapsedTime;

  static constexpr auto kGraphAddChildGraphNode = &hipGraphAddChildGraphNode;
  static constexpr auto kGraphAddEventRecordNode = &hipGraphAddEventRecordNode;
  static constexpr auto kGraphAddEventWaitNode = &hipGraphAddEventWaitNode;
  static constexpr auto kGraphDestroy = &hipGraphDestroy;
  static constexpr auto kGraphExecDestroy = &hipGraphExecDestroy;
  static constexpr auto kGraphGetNodes = &hipGraphGetNodes;
  static constexpr auto kGraphLaunch = &hipGraphLaunch;

  static Status launch(int /*device*/, const void* kernel, unsigned num_blocks,
                       unsigned num_threads, void** arguments, std::size_t shared_bytes,
                       hipStream_t stream) {
    return hipLaunchKernel(kernel, {num_blocks, 1, 1}, {num_threads, 1, 1}, arguments, shared_bytes,
                           stream);
  }

  /// Where the capture of a stream stands: a node added next depends on these.
  struct CaptureState {
    hipGraph_t graph = nullptr;
    const Node* dependencies = nullptr;
    std::size_t num_dependencies = 0;
  };
  static Status capture_state(hipStream_t stream, CaptureState& state) {
    auto status = kNotCapturing;
    return hipStreamGetCaptureInfo_v2(stream, &status, nullptr, &state.graph, &state.dependencies,
                                      &state.num_dependencies);
  }
  static Status continue_after(hipStream_t stream, Node* node) {
    return hipStreamUpdateCaptureDependencies(stream, node, 1, hipStreamSetCaptureDependencies);
  }

  static Status instantiate(hipGraphExec_t* executable, hipGraph_t graph) {
    return hipGraphInstantiate(executable, graph, nullptr, nullptr, 0);
  }
};

template struct GpuRuntime<HipApi>;

}  // namespace switchyard
