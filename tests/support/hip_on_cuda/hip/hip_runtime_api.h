// SPDX-License-Identifier: Apache-2.0
/// \file
/// HIP's host interface on the CUDA runtime, so that the HIP backend's host code runs on an NVIDIA
/// GPU unchanged. This folder comes first among the include folders. It holds what the backend uses
/// and nothing else: a further name is a compile error, which keeps the used part known.
///
/// hipError_t is cudaError_t. The numbers differ from HIP's: compare with the enumerators.
#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>

struct ihipStream_t;
struct ihipEvent_t;
struct ihipGraph;
struct hipGraphExec;
struct hipGraphNode;

using hipError_t = cudaError_t;
using hipStream_t = ihipStream_t*;
using hipEvent_t = ihipEvent_t*;
using hipGraph_t = ihipGraph*;
using hipGraphExec_t = hipGraphExec*;
using hipGraphNode_t = hipGraphNode*;
using hipDeviceProp_t = cudaDeviceProp;
using hipMemcpyKind = cudaMemcpyKind;
using hipStreamCaptureMode = cudaStreamCaptureMode;
using hipStreamCaptureStatus = cudaStreamCaptureStatus;

inline constexpr hipError_t hipSuccess = cudaSuccess;
inline constexpr hipError_t hipErrorOutOfMemory = cudaErrorMemoryAllocation;
inline constexpr hipError_t hipErrorNotReady = cudaErrorNotReady;
inline constexpr hipError_t hipErrorInvalidHandle = cudaErrorInvalidResourceHandle;
inline constexpr hipMemcpyKind hipMemcpyHostToDevice = cudaMemcpyHostToDevice;
inline constexpr hipMemcpyKind hipMemcpyDeviceToHost = cudaMemcpyDeviceToHost;
inline constexpr hipMemcpyKind hipMemcpyDeviceToDevice = cudaMemcpyDeviceToDevice;
inline constexpr hipStreamCaptureStatus hipStreamCaptureStatusNone = cudaStreamCaptureStatusNone;
inline constexpr hipStreamCaptureMode hipStreamCaptureModeGlobal = cudaStreamCaptureModeGlobal;
inline constexpr hipStreamCaptureMode hipStreamCaptureModeRelaxed = cudaStreamCaptureModeRelaxed;
inline constexpr unsigned hipStreamSetCaptureDependencies = cudaStreamSetCaptureDependencies;
inline constexpr unsigned hipStreamNonBlocking = cudaStreamNonBlocking;

namespace hip_on_cuda {

/// The CUDA handle that a HIP handle is, and the place of one.
inline cudaStream_t cuda(hipStream_t stream) {
  return reinterpret_cast<cudaStream_t>(stream);
}
inline cudaEvent_t cuda(hipEvent_t event) {
  return reinterpret_cast<cudaEvent_t>(event);
}
inline cudaGraph_t cuda(hipGraph_t graph) {
  return reinterpret_cast<cudaGraph_t>(graph);
}
inline cudaGraphExec_t cuda(hipGraphExec_t graph) {
  return reinterpret_cast<cudaGraphExec_t>(graph);
}

inline const cudaGraphNode_t* cuda(const hipGraphNode_t* nodes) {
  return reinterpret_cast<const cudaGraphNode_t*>(nodes);
}

/// Calls make(&handle) for a CUDA handle and hands it out as HIP's.
template <class CudaHandle, class HipHandle, class Make>
hipError_t put(HipHandle* out, Make make) {
  CudaHandle handle = nullptr;
  const hipError_t status = make(&handle);
  *out = reinterpret_cast<HipHandle>(handle);
  return status;
}

}  // namespace hip_on_cuda

// Errors
inline hipError_t hipGetLastError() {
  return cudaGetLastError();
}
inline const char* hipGetErrorName(hipError_t error) {
  return cudaGetErrorName(error);
}
inline const char* hipGetErrorString(hipError_t error) {
  return cudaGetErrorString(error);
}

// Devices
inline hipError_t hipGetDeviceCount(int* count) {
  return cudaGetDeviceCount(count);
}
inline hipError_t hipGetDevice(int* device) {
  return cudaGetDevice(device);
}
inline hipError_t hipSetDevice(int device) {
  return cudaSetDevice(device);
}
inline hipError_t hipGetDeviceProperties(hipDeviceProp_t* properties, int device) {
  return cudaGetDeviceProperties(properties, device);
}

// Memory
inline hipError_t hipMalloc(void** memory, std::size_t bytes) {
  return cudaMalloc(memory, bytes);
}
inline hipError_t hipFree(void* memory) {
  return cudaFree(memory);
}
inline hipError_t hipMemcpyAsync(void* to, const void* from, std::size_t bytes, hipMemcpyKind kind,
                                 hipStream_t stream) {
  return cudaMemcpyAsync(to, from, bytes, kind, hip_on_cuda::cuda(stream));
}
inline hipError_t hipMemsetAsync(void* to, int value, std::size_t bytes, hipStream_t stream) {
  return cudaMemsetAsync(to, value, bytes, hip_on_cuda::cuda(stream));
}

// Streams
inline hipError_t hipStreamCreateWithFlags(hipStream_t* stream, unsigned flags) {
  return hip_on_cuda::put<cudaStream_t>(
      stream, [=](cudaStream_t* to) { return cudaStreamCreateWithFlags(to, flags); });
}
inline hipError_t hipStreamDestroy(hipStream_t stream) {
  return cudaStreamDestroy(hip_on_cuda::cuda(stream));
}
inline hipError_t hipStreamSynchronize(hipStream_t stream) {
  return cudaStreamSynchronize(hip_on_cuda::cuda(stream));
}
inline hipError_t hipStreamWaitEvent(hipStream_t stream, hipEvent_t event, unsigned flags) {
  return cudaStreamWaitEvent(hip_on_cuda::cuda(stream), hip_on_cuda::cuda(event), flags);
}
inline hipError_t hipStreamIsCapturing(hipStream_t stream, hipStreamCaptureStatus* status) {
  return cudaStreamIsCapturing(hip_on_cuda::cuda(stream), status);
}
inline hipError_t hipStreamBeginCapture(hipStream_t stream, hipStreamCaptureMode mode) {
  return cudaStreamBeginCapture(hip_on_cuda::cuda(stream), mode);
}
inline hipError_t hipStreamEndCapture(hipStream_t stream, hipGraph_t* graph) {
  return hip_on_cuda::put<cudaGraph_t>(
      graph, [=](cudaGraph_t* to) { return cudaStreamEndCapture(hip_on_cuda::cuda(stream), to); });
}
inline hipError_t hipThreadExchangeStreamCaptureMode(hipStreamCaptureMode* mode) {
  return cudaThreadExchangeStreamCaptureMode(mode);
}
inline hipError_t hipStreamGetCaptureInfo_v2(hipStream_t stream, hipStreamCaptureStatus* status,
                                             unsigned long long* id, hipGraph_t* graph,
                                             const hipGraphNode_t** dependencies,
                                             std::size_t* num_dependencies) {
  cudaGraph_t cuda_graph = nullptr;
  const cudaGraphNode_t* nodes = nullptr;
  const cudaGraphEdgeData* edges = nullptr;
  const hipError_t error = cudaStreamGetCaptureInfo(hip_on_cuda::cuda(stream), status, id,
                                                    &cuda_graph, &nodes, &edges, num_dependencies);
  *graph = reinterpret_cast<hipGraph_t>(cuda_graph);
  *dependencies = reinterpret_cast<const hipGraphNode_t*>(nodes);
  return error;
}
inline hipError_t hipStreamUpdateCaptureDependencies(hipStream_t stream, hipGraphNode_t* nodes,
                                                     std::size_t num_nodes, unsigned flags) {
  return cudaStreamUpdateCaptureDependencies(hip_on_cuda::cuda(stream),
                                             reinterpret_cast<cudaGraphNode_t*>(nodes), nullptr,
                                             num_nodes, flags);
}

// Events
inline hipError_t hipEventCreate(hipEvent_t* event) {
  return hip_on_cuda::put<cudaEvent_t>(event, [](cudaEvent_t* to) { return cudaEventCreate(to); });
}
inline hipError_t hipEventDestroy(hipEvent_t event) {
  return cudaEventDestroy(hip_on_cuda::cuda(event));
}
inline hipError_t hipEventRecord(hipEvent_t event, hipStream_t stream) {
  return cudaEventRecord(hip_on_cuda::cuda(event), hip_on_cuda::cuda(stream));
}
inline hipError_t hipEventSynchronize(hipEvent_t event) {
  return cudaEventSynchronize(hip_on_cuda::cuda(event));
}
inline hipError_t hipEventElapsedTime(float* milliseconds, hipEvent_t start, hipEvent_t stop) {
  return cudaEventElapsedTime(milliseconds, hip_on_cuda::cuda(start), hip_on_cuda::cuda(stop));
}

// Graphs and launches
inline hipError_t hipGraphInstantiate(hipGraphExec_t* executable, hipGraph_t graph,
                                      void* /*error_node*/, char* /*log*/,
                                      std::size_t /*log_bytes*/) {
  return hip_on_cuda::put<cudaGraphExec_t>(executable, [=](cudaGraphExec_t* to) {
    return cudaGraphInstantiate(to, hip_on_cuda::cuda(graph), 0);
  });
}
inline hipError_t hipGraphAddChildGraphNode(hipGraphNode_t* node, hipGraph_t graph,
                                            const hipGraphNode_t* dependencies,
                                            std::size_t num_dependencies, hipGraph_t child) {
  return hip_on_cuda::put<cudaGraphNode_t>(node, [=](cudaGraphNode_t* to) {
    return cudaGraphAddChildGraphNode(to, hip_on_cuda::cuda(graph), hip_on_cuda::cuda(dependencies),
                                      num_dependencies, hip_on_cuda::cuda(child));
  });
}
inline hipError_t hipGraphAddEventRecordNode(hipGraphNode_t* node, hipGraph_t graph,
                                             const hipGraphNode_t* dependencies,
                                             std::size_t num_dependencies, hipEvent_t event) {
  return hip_on_cuda::put<cudaGraphNode_t>(node, [=](cudaGraphNode_t* to) {
    return cudaGraphAddEventRecordNode(to, hip_on_cuda::cuda(graph),
                                       hip_on_cuda::cuda(dependencies), num_dependencies,
                                       hip_on_cuda::cuda(event));
  });
}
inline hipError_t hipGraphAddEventWaitNode(hipGraphNode_t* node, hipGraph_t graph,
                                           const hipGraphNode_t* dependencies,
                                           std::size_t num_dependencies, hipEvent_t event) {
  return hip_on_cuda::put<cudaGraphNode_t>(node, [=](cudaGraphNode_t* to) {
    return cudaGraphAddEventWaitNode(to, hip_on_cuda::cuda(graph), hip_on_cuda::cuda(dependencies),
                                     num_dependencies, hip_on_cuda::cuda(event));
  });
}
inline hipError_t hipGraphGetNodes(hipGraph_t graph, hipGraphNode_t* nodes, std::size_t* count) {
  return cudaGraphGetNodes(hip_on_cuda::cuda(graph), reinterpret_cast<cudaGraphNode_t*>(nodes),
                           count);
}
inline hipError_t hipGraphDestroy(hipGraph_t graph) {
  return cudaGraphDestroy(hip_on_cuda::cuda(graph));
}
inline hipError_t hipGraphExecDestroy(hipGraphExec_t graph) {
  return cudaGraphExecDestroy(hip_on_cuda::cuda(graph));
}
inline hipError_t hipGraphLaunch(hipGraphExec_t graph, hipStream_t stream) {
  return cudaGraphLaunch(hip_on_cuda::cuda(graph), hip_on_cuda::cuda(stream));
}
inline hipError_t hipLaunchKernel(const void* kernel, dim3 blocks, dim3 threads, void** arguments,
                                  std::size_t shared_bytes, hipStream_t stream) {
  return cudaLaunchKernel(kernel, blocks, threads, arguments, shared_bytes,
                          hip_on_cuda::cuda(stream));
}
