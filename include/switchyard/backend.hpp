// SPDX-License-Identifier: Apache-2.0
/// \file
/// The Backend trait: memory, streams, events, graphs and launch. It does not know what an expert
/// is.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "switchyard/device_span.hpp"

namespace switchyard {

/// A device as its backend sees it.
struct DeviceInfo {
  std::string name;                ///< As the driver calls it.
  int index = 0;                   ///< Among the backend's devices.
  std::uint64_t memory_bytes = 0;  ///< Memory that allocations come from.
  int compute_units = 0;           ///< Cores, streaming multiprocessors or compute units.
  int wave_size = 1;               ///< Lanes that run together; 1 on a CPU.
};

/// What a backend finds on this machine.
struct DeviceList {
  std::vector<DeviceInfo> devices;
  std::string reason;  ///< Why `devices` is empty; empty otherwise.
};

/// The smallest stage there is; the trait is checked with it. No backend has a body for it.
struct ProbeStage {
  struct Params {};
  static constexpr std::string_view kName = "probe";
};

/// A backend: a plain struct with five associated types and substrate operations.
///
///   Buffer<T>     owns n elements of device memory: span(), size(); movable
///   Stream        an ordered queue of operations: is_capturing(); movable; waits for them
///                 when it is destroyed, or another is assigned to it
///   Event         a point in a stream; movable
///   Graph         a recorded sequence of operations; movable
///   LaunchConfig  how a launch is laid out on the device; default: the body decides
///
/// upload, download, copy, fill, launch, record, wait and replay enqueue on a stream and return;
/// the stream runs them in order. Host memory given to upload and download stays valid and
/// untouched until the stream has passed them. All of them can be captured but download, which is
/// refused with Error{not_capturable}, as synchronize is. A stream is used by one thread at a time;
/// the backend object itself by any number.
///
/// launch<Stage>(stream, config, params) runs the backend's body of a stage (kernels/<stage>). The
/// parameter block is copied. A backend without a body for a stage does not link.
template <class B>
concept Backend = std::movable<typename B::template Buffer<float>> &&
    std::movable<typename B::Stream> && std::movable<typename B::Event> &&
    std::movable<typename B::Graph> && std::default_initializable<typename B::LaunchConfig> &&
    requires(B& b, typename B::Stream& stream, const typename B::Stream& const_stream,
             typename B::Event& event, const typename B::Event& const_event,
             const typename B::Graph& graph, const typename B::template Buffer<float>& buffer,
             DeviceSpan<std::byte> to, DeviceSpan<const std::byte> from,
             std::span<std::byte> host_to, std::span<const std::byte> host_from,
             typename B::LaunchConfig config, void (*enqueue)()) {
  { B::kName } -> std::convertible_to<std::string_view>;
  { B::devices() } -> std::same_as<DeviceList>;
  { b.info() } -> std::same_as<const DeviceInfo&>;
  { b.template allocate<float>(std::size_t{}) } -> std::same_as<typename B::template Buffer<float>>;
  { buffer.span() } -> std::same_as<DeviceSpan<float>>;
  { buffer.size() } -> std::same_as<std::size_t>;
  { b.make_stream() } -> std::same_as<typename B::Stream>;
  { const_stream.is_capturing() } -> std::same_as<bool>;
  { b.make_event() } -> std::same_as<typename B::Event>;
  { b.upload(stream, to, host_from) } -> std::same_as<void>;
  { b.download(stream, host_to, from) } -> std::same_as<void>;
  { b.copy(stream, to, from) } -> std::same_as<void>;
  { b.fill(stream, to, std::byte{}) } -> std::same_as<void>;
  { b.template launch<ProbeStage>(stream, config, ProbeStage::Params{}) } -> std::same_as<void>;
  { b.record(stream, event) } -> std::same_as<void>;
  { b.wait(stream, const_event) } -> std::same_as<void>;
  { b.elapsed_us(const_event, const_event) } -> std::same_as<double>;
  { b.synchronize(stream) } -> std::same_as<void>;
  { b.synchronize(const_event) } -> std::same_as<void>;
  { b.capture(stream, enqueue) } -> std::same_as<typename B::Graph>;
  { b.replay(stream, graph) } -> std::same_as<void>;
};

}  // namespace switchyard
