// SPDX-License-Identifier: Apache-2.0
// GpuRuntime<Api>, instantiated once per vendor by host code that sees the vendor's header.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "switchyard/backends/gpu.hpp"
#include "switchyard/error.hpp"

namespace switchyard {
namespace gpu {

/// The vendor's types, constants and functions, all by the name that the vendors share: kMalloc is
/// cudaMalloc or hipMalloc. Specialised in backends/<vendor>/api.cpp.
template <class Api>
struct Native;

/// What the vendor calls `status`, and its words for it where it has any.
template <class Api>
[[nodiscard]] std::string name_of(typename Native<Api>::Status status) {
  const std::string name = Native<Api>::kGetErrorName(status);
  const std::string text = Native<Api>::kGetErrorString(status);
  return text == name ? name : name + " (" + text + ")";
}

/// Throws what the vendor calls `status`. The runtime's own last error is cleared: it was reported.
/// `call` is the vendor's function without its prefix, `detail` what else the message says.
template <class Api>
void check(typename Native<Api>::Status status, std::string_view call,
           std::string_view detail = {}) {
  using N = Native<Api>;
  if (status == N::kSuccess) return;
  static_cast<void>(N::kGetLastError());
  const auto code =
      status == N::kOutOfMemory ? ErrorCode::out_of_memory : ErrorCode::device_failure;
  throw Error(code, std::string(Api::kName)
                        .append(call)
                        .append(detail)
                        .append(": ")
                        .append(name_of<Api>(status)));
}

/// Makes a device current for a scope and puts the caller's back.
template <class Api>
class DeviceScope {
  using N = Native<Api>;

 public:
  explicit DeviceScope(int device) noexcept : device_(device) {
    if (N::kGetDevice(&before_) != N::kSuccess) before_ = device;
    if (before_ != device) static_cast<void>(N::kSetDevice(device));
  }
  DeviceScope(const DeviceScope&) = delete;
  DeviceScope& operator=(const DeviceScope&) = delete;
  ~DeviceScope() {
    if (before_ != device_) static_cast<void>(N::kSetDevice(before_));
  }

 private:
  int before_ = 0;
  int device_;
};

/// For a scope, this thread's calls that wait are no fault of a capture that is going on elsewhere.
template <class Api>
class WaitingScope {
  using N = Native<Api>;

 public:
  WaitingScope() noexcept { exchange(); }
  WaitingScope(const WaitingScope&) = delete;
  WaitingScope& operator=(const WaitingScope&) = delete;
  ~WaitingScope() { exchange(); }

 private:
  void exchange() noexcept { static_cast<void>(N::kThreadExchangeStreamCaptureMode(&mode_)); }

  typename N::CaptureMode mode_ = N::kCaptureModeRelaxed;
};

}  // namespace gpu

template <class Api>
DeviceList GpuRuntime<Api>::devices() {
  using N = gpu::Native<Api>;
  DeviceList list;
  int count = 0;
  // Any failure means that there is no usable device; which code it is depends on the driver.
  if (const auto status = N::kGetDeviceCount(&count); status != N::kSuccess) {
    static_cast<void>(N::kGetLastError());
    list.reason = gpu::name_of<Api>(status);
    return list;
  }
  for (int i = 0; i < count; ++i) {
    typename N::Properties properties{};
    gpu::check<Api>(N::kGetDeviceProperties(&properties, i), "GetDeviceProperties");
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

template <class Api>
void* GpuRuntime<Api>::allocate_memory(int device, std::size_t bytes) {
  if (bytes == 0) return nullptr;
  const gpu::DeviceScope<Api> scope(device);
  const gpu::WaitingScope<Api> waiting;
  void* memory = nullptr;
  gpu::check<Api>(gpu::Native<Api>::kMalloc(&memory, bytes), "Malloc",
                  " of " + std::to_string(bytes) + " bytes");
  return memory;
}

template <class Api>
void GpuRuntime<Api>::free_memory(int device, void* memory) noexcept {
  const gpu::DeviceScope<Api> scope(device);
  const gpu::WaitingScope<Api> waiting;
  static_cast<void>(gpu::Native<Api>::kFree(memory));
}

template <class Api>
typename Api::NativeStream GpuRuntime<Api>::create_stream(int device) {
  using N = gpu::Native<Api>;
  const gpu::DeviceScope<Api> scope(device);
  NativeStream stream = nullptr;
  gpu::check<Api>(N::kStreamCreateWithFlags(&stream, N::kStreamNonBlocking),
                  "StreamCreateWithFlags");
  return stream;
}

template <class Api>
void GpuRuntime<Api>::destroy_stream(int device, NativeStream stream) noexcept {
  const gpu::DeviceScope<Api> scope(device);
  const gpu::WaitingScope<Api> waiting;
  static_cast<void>(gpu::Native<Api>::kStreamSynchronize(stream));
  static_cast<void>(gpu::Native<Api>::kStreamDestroy(stream));
}

template <class Api>
bool GpuRuntime<Api>::is_capturing(int device, NativeStream stream) {
  using N = gpu::Native<Api>;
  const gpu::DeviceScope<Api> scope(device);
  auto status = N::kNotCapturing;
  gpu::check<Api>(N::kStreamIsCapturing(stream, &status), "StreamIsCapturing");
  return status != N::kNotCapturing;
}

template <class Api>
void GpuRuntime<Api>::synchronize_stream(int device, NativeStream stream) {
  const gpu::DeviceScope<Api> scope(device);
  const gpu::WaitingScope<Api> waiting;
  gpu::check<Api>(gpu::Native<Api>::kStreamSynchronize(stream), "StreamSynchronize");
}

template <class Api>
typename Api::NativeEvent GpuRuntime<Api>::create_event(int device) {
  const gpu::DeviceScope<Api> scope(device);
  NativeEvent event = nullptr;
  gpu::check<Api>(gpu::Native<Api>::kEventCreate(&event), "EventCreate");
  return event;
}

template <class Api>
void GpuRuntime<Api>::destroy_event(int device, NativeEvent event) noexcept {
  const gpu::DeviceScope<Api> scope(device);
  static_cast<void>(gpu::Native<Api>::kEventDestroy(event));
}

template <class Api>
void GpuRuntime<Api>::synchronize_event(int device, NativeEvent event) {
  const gpu::DeviceScope<Api> scope(device);
  const gpu::WaitingScope<Api> waiting;
  gpu::check<Api>(gpu::Native<Api>::kEventSynchronize(event), "EventSynchronize");
}

template <class Api>
double GpuRuntime<Api>::elapsed_us(int device, NativeEvent start, NativeEvent stop) {
  using N = gpu::Native<Api>;
  const gpu::DeviceScope<Api> scope(device);
  const gpu::WaitingScope<Api> waiting;
  float milliseconds = 0.0F;
  const auto status = N::kEventElapsedTime(&milliseconds, start, stop);
  if (status == N::kNotReady || status == N::kInvalidHandle) {
    static_cast<void>(N::kGetLastError());
    throw Error(ErrorCode::invalid_argument,
                "start or stop has not passed, must be recorded and passed");
  }
  gpu::check<Api>(status, "EventElapsedTime");
  return static_cast<double>(milliseconds) * 1000.0;
}

template <class Api>
void GpuRuntime<Api>::upload(int device, NativeStream stream, void* to, const void* from,
                             std::size_t bytes) {
  using N = gpu::Native<Api>;
  const gpu::DeviceScope<Api> scope(device);
  gpu::check<Api>(N::kMemcpyAsync(to, from, bytes, N::kHostToDevice, stream), "MemcpyAsync",
                  " to the device");
}

template <class Api>
void GpuRuntime<Api>::download(int device, NativeStream stream, void* to, const void* from,
                               std::size_t bytes) {
  using N = gpu::Native<Api>;
  const gpu::DeviceScope<Api> scope(device);
  const gpu::WaitingScope<Api> waiting;
  gpu::check<Api>(N::kMemcpyAsync(to, from, bytes, N::kDeviceToHost, stream), "MemcpyAsync",
                  " to the host");
}

template <class Api>
void GpuRuntime<Api>::copy(int device, NativeStream stream, void* to, const void* from,
                           std::size_t bytes) {
  using N = gpu::Native<Api>;
  const gpu::DeviceScope<Api> scope(device);
  gpu::check<Api>(N::kMemcpyAsync(to, from, bytes, N::kDeviceToDevice, stream), "MemcpyAsync",
                  " on the device");
}

template <class Api>
void GpuRuntime<Api>::fill(int device, NativeStream stream, void* to, int value,
                           std::size_t bytes) {
  const gpu::DeviceScope<Api> scope(device);
  gpu::check<Api>(gpu::Native<Api>::kMemsetAsync(to, value, bytes, stream), "MemsetAsync");
}

template <class Api>
void GpuRuntime<Api>::launch(int device, NativeStream stream, const void* kernel,
                             unsigned num_blocks, unsigned num_threads, std::size_t shared_bytes,
                             void* params) {
  const gpu::DeviceScope<Api> scope(device);
  void* arguments[] = {params};
  gpu::check<Api>(gpu::Native<Api>::launch(device, kernel, num_blocks, num_threads, arguments,
                                           shared_bytes, stream),
                  "LaunchKernel");
}

}  // namespace switchyard
