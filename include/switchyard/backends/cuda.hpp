// SPDX-License-Identifier: Apache-2.0
/// \file
/// The CUDA backend. No CUDA header is needed to use it: cudaStream_t is CUstream_st*.
#pragma once

#include <cstddef>
#include <string_view>

#include "switchyard/backends/gpu.hpp"
#include "switchyard/export.hpp"

struct CUstream_st;
struct CUevent_st;
struct CUgraphExec_st;

namespace switchyard {

/// The CUDA runtime behind the names that GpuBackend calls. All but the destroy functions throw
/// Error{device_failure} with CUDA's name of the error; destroy functions ignore errors.
struct SWITCHYARD_API CudaApi {
  static constexpr std::string_view kName = "cuda";
  using NativeStream = CUstream_st*;
  using NativeEvent = CUevent_st*;
  using NativeGraph = CUgraphExec_st*;

  [[nodiscard]] static DeviceList devices();
  /// Throws Error{out_of_memory}. Null for 0 bytes.
  [[nodiscard]] static void* allocate_memory(int device, std::size_t bytes);
  static void free_memory(int device, void* memory) noexcept;

  [[nodiscard]] static NativeStream create_stream(int device);
  static void destroy_stream(int device, NativeStream stream) noexcept;
  [[nodiscard]] static bool is_capturing(int device, NativeStream stream);
  static void synchronize_stream(int device, NativeStream stream);

  [[nodiscard]] static NativeEvent create_event(int device);
  static void destroy_event(int device, NativeEvent event) noexcept;
  static void record_event(int device, NativeStream stream, NativeEvent event);
  static void wait_event(int device, NativeStream stream, NativeEvent event);
  static void synchronize_event(int device, NativeEvent event);
  [[nodiscard]] static double elapsed_us(int device, NativeEvent start, NativeEvent stop);

  static void upload(int device, NativeStream stream, void* to, const void* from,
                     std::size_t bytes);
  static void download(int device, NativeStream stream, void* to, const void* from,
                       std::size_t bytes);
  static void copy(int device, NativeStream stream, void* to, const void* from, std::size_t bytes);
  static void fill(int device, NativeStream stream, void* to, int value, std::size_t bytes);

  static void launch(int device, NativeStream stream, const void* kernel, unsigned num_blocks,
                     unsigned num_threads, std::size_t shared_bytes, void* params);

  static void begin_capture(int device, NativeStream stream);
  static void abandon_capture(int device, NativeStream stream) noexcept;
  [[nodiscard]] static NativeGraph end_capture(int device, NativeStream stream);
  static void destroy_graph(int device, NativeGraph graph) noexcept;
  static void replay(int device, NativeStream stream, NativeGraph graph);
};

/// A Backend on an NVIDIA GPU.
using CudaBackend = GpuBackend<CudaApi>;

static_assert(Backend<CudaBackend>);

}  // namespace switchyard
