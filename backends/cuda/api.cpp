// SPDX-License-Identifier: Apache-2.0
#include <cuda_runtime.h>

#include <string>

#include "switchyard/backends/cuda.hpp"
#include "switchyard/error.hpp"

namespace switchyard {
namespace {

/// Throws what CUDA calls `status`. A sticky error of the runtime's is cleared: it was reported.
void check(cudaError_t status, std::string_view operation) {
  if (status == cudaSuccess) return;
  static_cast<void>(cudaGetLastError());
  const auto code =
      status == cudaErrorMemoryAllocation ? ErrorCode::out_of_memory : ErrorCode::device_failure;
  throw Error(code, std::string(operation) + ": " + cudaGetErrorName(status) + " (" +
                        cudaGetErrorString(status) + ")");
}

/// Makes a device current for a scope and puts the caller's back.
class DeviceScope {
 public:
  explicit DeviceScope(int device) noexcept {
    if (cudaGetDevice(&before_) != cudaSuccess) before_ = device;
    if (before_ != device) static_cast<void>(cudaSetDevice(device));
    device_ = device;
  }
  DeviceScope(const DeviceScope&) = delete;
  DeviceScope& operator=(const DeviceScope&) = delete;
  ~DeviceScope() {
    if (before_ != device_) static_cast<void>(cudaSetDevice(before_));
  }

 private:
  int before_ = 0;
  int device_ = 0;
};

}  // namespace

DeviceList CudaApi::devices() {
  DeviceList list;
  int count = 0;
  // Any failure means that there is no usable device; which code it is depends on the driver.
  if (const cudaError_t status = cudaGetDeviceCount(&count); status != cudaSuccess) {
    static_cast<void>(cudaGetLastError());
    list.reason = std::string(cudaGetErrorName(status)) + ": " + cudaGetErrorString(status);
    return list;
  }
  for (int i = 0; i < count; ++i) {
    cudaDeviceProp properties{};
    check(cudaGetDeviceProperties(&properties, i), "cudaGetDeviceProperties");
    DeviceInfo info;
    info.name = properties.name;
    info.index = i;
    info.memory_bytes = properties.totalGlobalMem;
    info.compute_units = properties.multiProcessorCount;
    info.wave_size = properties.warpSize;
    list.devices.push_back(std::move(info));
  }
  if (count == 0) list.reason = "the driver shows no device";
  return list;
}

void* CudaApi::allocate_memory(int device, std::size_t bytes) {
  if (bytes == 0) return nullptr;
  const DeviceScope scope(device);
  void* memory = nullptr;
  check(cudaMalloc(&memory, bytes), "cudaMalloc of " + std::to_string(bytes) + " bytes");
  return memory;
}

void CudaApi::free_memory(int device, void* memory) noexcept {
  const DeviceScope scope(device);
  static_cast<void>(cudaFree(memory));
}

CudaApi::NativeStream CudaApi::create_stream(int device) {
  const DeviceScope scope(device);
  cudaStream_t stream = nullptr;
  check(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), "cudaStreamCreateWithFlags");
  return stream;
}

void CudaApi::destroy_stream(int device, NativeStream stream) noexcept {
  const DeviceScope scope(device);
  static_cast<void>(cudaStreamDestroy(stream));
}

bool CudaApi::is_capturing(int device, NativeStream stream) {
  const DeviceScope scope(device);
  cudaStreamCaptureStatus status = cudaStreamCaptureStatusNone;
  check(cudaStreamIsCapturing(stream, &status), "cudaStreamIsCapturing");
  return status != cudaStreamCaptureStatusNone;
}

void CudaApi::synchronize_stream(int device, NativeStream stream) {
  const DeviceScope scope(device);
  check(cudaStreamSynchronize(stream), "cudaStreamSynchronize");
}

CudaApi::NativeEvent CudaApi::create_event(int device) {
  const DeviceScope scope(device);
  cudaEvent_t event = nullptr;
  check(cudaEventCreate(&event), "cudaEventCreate");
  return event;
}

void CudaApi::destroy_event(int device, NativeEvent event) noexcept {
  const DeviceScope scope(device);
  static_cast<void>(cudaEventDestroy(event));
}

void CudaApi::record_event(int device, NativeStream stream, NativeEvent event) {
  const DeviceScope scope(device);
  check(cudaEventRecord(event, stream), "cudaEventRecord");
}

void CudaApi::wait_event(int device, NativeStream stream, NativeEvent event) {
  const DeviceScope scope(device);
  check(cudaStreamWaitEvent(stream, event, 0), "cudaStreamWaitEvent");
}

void CudaApi::synchronize_event(int device, NativeEvent event) {
  const DeviceScope scope(device);
  check(cudaEventSynchronize(event), "cudaEventSynchronize");
}

double CudaApi::elapsed_us(int device, NativeEvent start, NativeEvent stop) {
  const DeviceScope scope(device);
  float milliseconds = 0.0F;
  const cudaError_t status = cudaEventElapsedTime(&milliseconds, start, stop);
  if (status == cudaErrorNotReady || status == cudaErrorInvalidResourceHandle) {
    static_cast<void>(cudaGetLastError());
    throw Error(ErrorCode::invalid_argument,
                "start or stop has not passed, must be recorded and passed");
  }
  check(status, "cudaEventElapsedTime");
  return static_cast<double>(milliseconds) * 1000.0;
}

void CudaApi::upload(int device, NativeStream stream, void* to, const void* from,
                     std::size_t bytes) {
  const DeviceScope scope(device);
  check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyHostToDevice, stream), "upload");
}

void CudaApi::download(int device, NativeStream stream, void* to, const void* from,
                       std::size_t bytes) {
  const DeviceScope scope(device);
  check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToHost, stream), "download");
}

void CudaApi::copy(int device, NativeStream stream, void* to, const void* from, std::size_t bytes) {
  const DeviceScope scope(device);
  check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToDevice, stream), "copy");
}

void CudaApi::fill(int device, NativeStream stream, void* to, int value, std::size_t bytes) {
  const DeviceScope scope(device);
  check(cudaMemsetAsync(to, value, bytes, stream), "fill");
}

void CudaApi::launch(int device, NativeStream stream, const void* kernel, unsigned num_blocks,
                     unsigned num_threads, std::size_t shared_bytes, void* params) {
  const DeviceScope scope(device);
  void* arguments[] = {params};
  check(cudaLaunchKernel(kernel, dim3(num_blocks), dim3(num_threads), arguments, shared_bytes,
                         stream),
        "cudaLaunchKernel");
}

void CudaApi::begin_capture(int device, NativeStream stream) {
  const DeviceScope scope(device);
  if (is_capturing(device, stream))
    throw Error(ErrorCode::invalid_argument,
                "stream is being captured, must not be captured again");
  check(cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal), "cudaStreamBeginCapture");
}

void CudaApi::abandon_capture(int device, NativeStream stream) noexcept {
  const DeviceScope scope(device);
  cudaGraph_t graph = nullptr;
  static_cast<void>(cudaStreamEndCapture(stream, &graph));
  if (graph != nullptr) static_cast<void>(cudaGraphDestroy(graph));
  static_cast<void>(cudaGetLastError());
}

CudaApi::NativeGraph CudaApi::end_capture(int device, NativeStream stream) {
  const DeviceScope scope(device);
  cudaGraph_t graph = nullptr;
  check(cudaStreamEndCapture(stream, &graph), "cudaStreamEndCapture");
  cudaGraphExec_t executable = nullptr;
  const cudaError_t status = cudaGraphInstantiate(&executable, graph, 0);
  static_cast<void>(cudaGraphDestroy(graph));
  check(status, "cudaGraphInstantiate");
  return executable;
}

void CudaApi::destroy_graph(int device, NativeGraph graph) noexcept {
  const DeviceScope scope(device);
  static_cast<void>(cudaGraphExecDestroy(graph));
}

void CudaApi::replay(int device, NativeStream stream, NativeGraph graph) {
  const DeviceScope scope(device);
  check(cudaGraphLaunch(graph, stream), "cudaGraphLaunch");
}

}  // namespace switchyard
