// SPDX-License-Identifier: Apache-2.0
#include <cuda_runtime_api.h>

#include "backends/gpu/runtime_impl.hpp"
#include "switchyard/backends/cuda.hpp"

namespace switchyard {

template <>
struct gpu::Native<CudaApi> {
  using Status = cudaError_t;
  using Graph = cudaGraph_t;
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
  static constexpr auto kLaunchKernel = &cudaLaunchKernel;

  static constexpr auto kStreamCreateWithFlags = &cudaStreamCreateWithFlags;
  static constexpr auto kStreamDestroy = &cudaStreamDestroy;
  static constexpr auto kStreamSynchronize = &cudaStreamSynchronize;
  static constexpr auto kStreamWaitEvent = &cudaStreamWaitEvent;
  static constexpr auto kStreamIsCapturing = &cudaStreamIsCapturing;
  static constexpr auto kStreamBeginCapture = &cudaStreamBeginCapture;
  static constexpr auto kStreamEndCapture = &cudaStreamEndCapture;

  static constexpr auto kEventCreate = &cudaEventCreate;
  static constexpr auto kEventDestroy = &cudaEventDestroy;
  static constexpr auto kEventRecord = &cudaEventRecord;
  static constexpr auto kEventSynchronize = &cudaEventSynchronize;
  static constexpr auto kEventElapsedTime = &cudaEventElapsedTime;

  static constexpr auto kGraphDestroy = &cudaGraphDestroy;
  static constexpr auto kGraphExecDestroy = &cudaGraphExecDestroy;
  static constexpr auto kGraphLaunch = &cudaGraphLaunch;

  static Status instantiate(cudaGraphExec_t* executable, Graph graph) {
    return cudaGraphInstantiate(executable, graph, 0);
  }
};

template struct GpuRuntime<CudaApi>;

}  // namespace switchyard
