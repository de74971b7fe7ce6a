// SPDX-License-Identifier: Apache-2.0
// CUDA's types, constants and functions under the names that the vendors share.
#pragma once

#include <cuda_runtime_api.h>

#include "backends/gpu/runtime_impl.hpp"
#include "switchyard/backends/cuda.hpp"

namespace switchyard {

template <>
struct gpu::Native<CudaApi> {
  using Status = cudaError_t;
  using Node = cudaGraphNode_t;
  using CaptureMode = cudaStreamCaptureMode;
  using Properties = cudaDeviceProp;

  static constexpr Status kSuccess = cudaSuccess;
  static constexpr Status kOutOfMemory = cudaErrorMemoryAllocation;
  static constexpr Status kNotReady = cudaErrorNotReady;
  static constexpr Status kInvalidHandle = cudaErrorInvalidResourceHandle;
  static constexpr auto kHostToDevice = cudaMemcpyHostToDevice;
  static constexpr auto kDeviceToHost = cudaMemcpyDeviceToHost;
  static constexpr auto kDeviceToDevice = cudaMemcpyDeviceToDevice;
  static constexpr auto kNotCapturing = cudaStreamCaptureStatusNone;
  static constexpr auto kCaptureModeGlobal = cudaStreamCaptureModeGlobal;
  static constexpr auto kCaptureModeRelaxed = cudaStreamCaptureModeRelaxed;
  static constexpr unsigned kStreamNonBlocking = cudaStreamNonBlocking;

  static constexpr auto kGetLastError = &cudaGetLastError;
  static constexpr auto kGetErrorName = &cudaGetErrorName;
  static constexpr auto kGetErrorString = &cudaGetErrorString;
  static constexpr auto kGetDeviceCount = &cudaGetDeviceCount;
  static constexpr auto kGetDeviceProperties = &cudaGetDeviceProperties;
  static constexpr auto kGetDevice = &cudaGetDevice;
  static constexpr auto kSetDevice = &cudaSetDevice;

  static constexpr Status (*kMalloc)(void**, std::size_t) = &cudaMalloc;
  static constexpr auto kFree = &cudaFree;
  static constexpr auto kMemcpyAsync = &cudaMemcpyAsync;
  static constexpr auto kMemsetAsync = &cudaMemsetAsync;

  static constexpr auto kStreamCreateWithFlags = &cudaStreamCreateWithFlags;
  static constexpr auto kStreamDestroy = &cudaStreamDestroy;
  static constexpr auto kStreamSynchronize = &cudaStreamSynchronize;
  static constexpr auto kStreamWaitEvent = &cudaStreamWaitEvent;
  static constexpr auto kStreamIsCapturing = &cudaStreamIsCapturing;
  static constexpr auto kStreamBeginCapture = &cudaStreamBeginCapture;
  static constexpr auto kStreamEndCapture = &cudaStreamEndCapture;
  static constexpr auto kThreadExchangeStreamCaptureMode = &cudaThreadExchangeStreamCaptureMode;

  static constexpr auto kEventCreate = &cudaEventCreate;
  static constexpr auto kEventDestroy = &cudaEventDestroy;
  static constexpr auto kEventRecord = &cudaEventRecord;
  static constexpr auto kEventSynchronize = &cudaEventSynchronize;
  static constexpr auto kEventElapsedTime = &cudaEventElapsedTime;

  static constexpr auto kGraphAddChildGraphNode = &cudaGraphAddChildGraphNode;
  static constexpr auto kGraphAddEventRecordNode = &cudaGraphAddEventRecordNode;
  static constexpr auto kGraphAddEventWaitNode = &cudaGraphAddEventWaitNode;
  static constexpr auto kGraphDestroy = &cudaGraphDestroy;
  static constexpr auto kGraphExecDestroy = &cudaGraphExecDestroy;
  static constexpr auto kGraphGetNodes = &cudaGraphGetNodes;
  static constexpr auto kGraphLaunch = &cudaGraphLaunch;

  /// The kernels wait for their predecessors themselves (backends/cuda/wave_ops.hpp), so that where
  /// the device can, a launch does not wait for the end of the one before it.
  static Status launch(int device, const void* kernel, unsigned num_blocks, unsigned num_threads,
                       void** arguments, std::size_t shared_bytes, cudaStream_t stream) {
    int major = 0;
    const Status status = cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, device);
    if (status != cudaSuccess) return status;
    cudaLaunchAttribute overlap{};
    overlap.id = cudaLaunchAttributeProgrammaticStreamSerialization;
    overlap.val.programmaticStreamSerializationAllowed = 1;
    cudaLaunchConfig_t config{};
    config.gridDim = {num_blocks, 1, 1};
    config.blockDim = {num_threads, 1, 1};
    config.dynamicSmemBytes = shared_bytes;
    config.stream = stream;
    config.attrs = &overlap;
    config.numAttrs = major >= 9 ? 1 : 0;
    return cudaLaunchKernelExC(&config, kernel, arguments);
  }

  /// Where the capture of a stream stands: a node added next depends on these.
  struct CaptureState {
    cudaGraph_t graph = nullptr;
    const Node* dependencies = nullptr;
    std::size_t num_dependencies = 0;
  };
  static Status capture_state(cudaStream_t stream, CaptureState& state) {
    auto status = kNotCapturing;
    const cudaGraphEdgeData* edges = nullptr;
#if CUDART_VERSION >= 13000
    return cudaStreamGetCaptureInfo(stream, &status, nullptr, &state.graph, &state.dependencies,
                                    &edges, &state.num_dependencies);
#else
    return cudaStreamGetCaptureInfo_v3(stream, &status, nullptr, &state.graph, &state.dependencies,
                                       &edges, &state.num_dependencies);
#endif
  }
  static Status continue_after(cudaStream_t stream, Node* node) {
#if CUDART_VERSION >= 13000
    return cudaStreamUpdateCaptureDependencies(stream, node, nullptr, 1,
                                               cudaStreamSetCaptureDependencies);
#else
    return cudaStreamUpdateCaptureDependencies_v2(stream, node, nullptr, 1,
                                                  cudaStreamSetCaptureDependencies);
#endif
  }

  static Status instantiate(cudaGraphExec_t* executable, cudaGraph_t graph) {
    return cudaGraphInstantiate(executable, graph, 0);
  }
};

}  // namespace switchyard
