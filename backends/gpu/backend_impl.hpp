// SPDX-License-Identifier: Apache-2.0
// GpuBackend<Api>, instantiated once per vendor by host code.
#pragma once

#include <climits>
#include <string>
#include <type_traits>

#include "backends/gpu/bodies.hpp"
#include "backends/gpu/kernels.hpp"
#include "backends/gpu/tuned_bodies.hpp"
#include "core/check_probe.hpp"
#include "kernels/combine/simt.hpp"
#include "kernels/down/simt.hpp"
#include "kernels/fused_layer/params.hpp"
#include "kernels/gate/simt.hpp"
#include "kernels/gate_up/simt.hpp"
#include "kernels/plan/simt.hpp"
#include "kernels/probe/simt.hpp"
#include "kernels/route/simt.hpp"
#include "kernels/route_plan/simt.hpp"
#include "switchyard/backends/gpu.hpp"
#include "switchyard/error.hpp"

namespace switchyard {
namespace gpu {

inline void require_same_size(std::size_t to, std::size_t from) {
  if (to != from)
    throw Error(ErrorCode::invalid_argument,
                "destination has " + std::to_string(to) +
                    " bytes, must have as many as the source = " + std::to_string(from));
}

/// The device that the options ask for.
[[nodiscard]] inline DeviceInfo choose_device(const DeviceList& list, int index) {
  if (list.devices.empty()) throw Error(ErrorCode::device_unavailable, list.reason);
  const auto count = static_cast<int>(list.devices.size());
  if (index < 0 || index >= count)
    throw Error(
        ErrorCode::device_unavailable,
        "device is " + std::to_string(index) + ", must be in [0, " + std::to_string(count) + ")");
  return list.devices[static_cast<std::size_t>(index)];
}

/// The kernel of a body; throws where none was compiled for the device's wave size.
template <class Api, class Body>
[[nodiscard]] const void* kernel_for(int wave_size) {
  const void* const kernel = kernel_address<Api, Body>(wave_size);
  if (kernel == nullptr)
    throw Error(ErrorCode::device_unavailable, std::string(Body::kName) +
                                                   " has no kernel for waves of " +
                                                   std::to_string(wave_size) + " lanes");
  return kernel;
}

}  // namespace gpu

template <class Api>
GpuBackend<Api>::GpuBackend(const GpuOptions& options)
    : info_(gpu::choose_device(Runtime::devices(), options.device)),
      tuned_(std::make_unique<gpu::TunedBodies<Api>>(info_, gpu::resolve(options))) {}

template <class Api>
GpuBackend<Api>::~GpuBackend() = default;

template <class Api>
DeviceList GpuBackend<Api>::devices() {
  return Runtime::devices();
}

template <class Api>
typename GpuBackend<Api>::Stream GpuBackend<Api>::make_stream() {
  return Stream(Runtime::create_stream(info_.index), info_.index, true);
}

template <class Api>
typename GpuBackend<Api>::Event GpuBackend<Api>::make_event() {
  return Event(Runtime::create_event(info_.index), info_.index);
}

template <class Api>
void GpuBackend<Api>::upload(Stream& stream, DeviceSpan<std::byte> to,
                             std::span<const std::byte> from) {
  gpu::require_same_size(to.size(), from.size());
  if (!to.empty()) Runtime::upload(info_.index, stream.native_, to.data(), from.data(), to.size());
}

template <class Api>
void GpuBackend<Api>::download(Stream& stream, std::span<std::byte> to,
                               DeviceSpan<const std::byte> from) {
  gpu::require_same_size(to.size(), from.size());
  if (stream.is_capturing())
    throw Error(ErrorCode::not_capturable, "download waits for the device and cannot be captured");
  if (!to.empty())
    Runtime::download(info_.index, stream.native_, to.data(), from.data(), to.size());
}

template <class Api>
void GpuBackend<Api>::copy(Stream& stream, DeviceSpan<std::byte> to,
                           DeviceSpan<const std::byte> from) {
  gpu::require_same_size(to.size(), from.size());
  if (!to.empty()) Runtime::copy(info_.index, stream.native_, to.data(), from.data(), to.size());
}

template <class Api>
void GpuBackend<Api>::fill(Stream& stream, DeviceSpan<std::byte> to, std::byte value) {
  if (!to.empty())
    Runtime::fill(info_.index, stream.native_, to.data(), static_cast<int>(value), to.size());
}

template <class Api>
std::string GpuBackend<Api>::describe_products(const ForwardCall& call) const {
  return tuned_->describe_products(call);
}

template <class Api>
WeightLayout GpuBackend<Api>::layout_of(const ExpertMatrices& matrices) const {
  return tuned_->layout_of(matrices);
}

template <class Api>
std::size_t GpuBackend<Api>::packed_bytes(const ExpertMatrices& matrices,
                                          WeightLayout layout) const {
  return gpu::packed_bytes(matrices, layout);
}

template <class Api>
void GpuBackend<Api>::repack(Stream& stream, DeviceSpan<std::byte> to,
                             const ExpertMatrices& matrices, WeightLayout layout,
                             const HostTensor& from) {
  gpu::check_repack(to, matrices, layout, from);
  tuned_->repack(stream.native_, to, matrices, from);
}

template <class Api>
bool GpuBackend<Api>::runs(ForwardPath path, const ForwardCall& call) const noexcept {
  switch (path) {
    case ForwardPath::staged:
      return true;
    case ForwardPath::route_plan:
      return kernels::simt::route_plan_runs(call, info_.wave_size);
    case ForwardPath::fused_layer:
      return tuned_->runs_fused_layer(call);
    case ForwardPath::coupled_layer:
      break;
  }
  return kernels::simt::route_plan_runs(call, info_.wave_size) && tuned_->runs_coupled_layer(call);
}

template <class Api>
ForwardPath GpuBackend<Api>::choose_path(const ForwardCall& call) const noexcept {
  if (tuned_->prefers_fused_layer(call)) return ForwardPath::fused_layer;
  if (!runs(ForwardPath::route_plan, call)) return ForwardPath::staged;
  return tuned_->runs_coupled_layer(call) ? ForwardPath::coupled_layer : ForwardPath::route_plan;
}

/// The tuned body of all, or route_plan and that of the rest. What it cannot move runs stage by
/// stage.
template <class Api>
void GpuBackend<Api>::launch_fused_layer(Stream& stream, const kernels::FusedLayerParams& params) {
  if (tuned_->launch_routed_layer(stream.native_, params)) return;
  kernels::RoutePlanParams planning = params.route_plan;
  planning.counters = kernels::stage_counters(planning.plan);
  planning.cleared = kernels::kNumStageCounters;
  launch<kernels::RoutePlan>(stream, {}, planning);
  if (tuned_->launch_fused_layer(stream.native_, params)) return;
  launch<kernels::GateUp>(stream, {}, params.gate_up);
  launch<kernels::Down>(stream, {}, params.down);
  launch<kernels::Combine>(stream, {}, params.combine);
}

template <class Api>
void GpuBackend<Api>::launch_coupled_layer(Stream& stream,
                                           const kernels::FusedLayerParams& params) {
  kernels::RoutePlanParams planning = params.route_plan;
  planning.counters = kernels::stage_counters(planning.plan);
  planning.cleared = kernels::num_counters(planning.plan.num_local_experts);
  launch<kernels::RoutePlan>(stream, {}, planning);
  tuned_->launch_coupled_products(stream.native_, params);
  if (tuned_->launch_last_combine(stream.native_, params.combine)) return;
  launch<kernels::Combine>(stream, {}, params.combine);
}

template <class Api>
template <class Stage>
void GpuBackend<Api>::launch(Stream& stream, const LaunchConfig& /*config*/,
                             const typename Stage::Params& params) {
  if constexpr (std::is_same_v<Stage, kernels::FusedLayer>) {
    launch_fused_layer(stream, params);
  } else if constexpr (std::is_same_v<Stage, kernels::CoupledLayer>) {
    launch_coupled_layer(stream, params);
  } else {
    if (!tuned_->launch(stream.native_, params)) launch_portable(stream, params);
  }
}

template <class Api>
template <class Params>
void GpuBackend<Api>::launch_portable(Stream& stream, const Params& params) {
  kernels::simt::launch_all(
      params, info_.wave_size,
      [&]<class Body>(const kernels::simt::LaunchShape& shape, Params block) {
        if (shape.num_blocks == 0) return;
        Runtime::launch(info_.index, stream.native_, gpu::kernel_for<Api, Body>(info_.wave_size),
                        static_cast<unsigned>(shape.num_blocks),
                        static_cast<unsigned>(shape.num_threads), shape.shared_bytes, &block);
      });
}

template <class Api>
void GpuBackend<Api>::probe_reads(Stream& stream, DeviceSpan<const std::byte> from,
                                  DeviceSpan<std::byte> sink) {
  core::check_probe(from, sink);
  launch_portable(
      stream, kernels::ProbeReadsParams{from.data(), reinterpret_cast<std::uint32_t*>(sink.data()),
                                        static_cast<std::int64_t>(from.size() / 16)});
}

template <class Api>
double GpuBackend<Api>::probe_products(Stream& stream, DeviceSpan<std::byte> sink) {
  core::check_probe({}, sink);
  return tuned_->probe_products(stream.native_, sink);
}

template <class Api>
void GpuBackend<Api>::record(Stream& stream, Event& event) {
  Runtime::record_event(info_.index, stream.native_, event.native_);
}

template <class Api>
void GpuBackend<Api>::wait(Stream& stream, const Event& event) {
  Runtime::wait_event(info_.index, stream.native_, event.native_);
}

template <class Api>
double GpuBackend<Api>::elapsed_us(const Event& start, const Event& stop) const {
  return Runtime::elapsed_us(info_.index, start.native_, stop.native_);
}

template <class Api>
void GpuBackend<Api>::synchronize(Stream& stream) {
  if (stream.is_capturing())
    throw Error(ErrorCode::not_capturable,
                "synchronize waits for the device and cannot be captured");
  Runtime::synchronize_stream(info_.index, stream.native_);
}

template <class Api>
void GpuBackend<Api>::synchronize(const Event& event) {
  Runtime::synchronize_event(info_.index, event.native_);
}

template <class Api>
void GpuBackend<Api>::replay(Stream& stream, const Graph& graph) {
  if (stream.is_capturing())
    Runtime::capture_replay(info_.index, stream.native_, graph.definition_.native_);
  else
    Runtime::replay(info_.index, stream.native_, graph.executable_.native_);
}

}  // namespace switchyard

/// Instantiates the bodies of one vendor's backend.
#define SWITCHYARD_GPU_BODY(Backend, Stage)                                             \
  template SWITCHYARD_API void switchyard::Backend::launch<switchyard::kernels::Stage>( \
      Stream&, const LaunchConfig&, const switchyard::kernels::Stage::Params&)
#define SWITCHYARD_GPU_BODIES(Backend)     \
  SWITCHYARD_GPU_BODY(Backend, Gate);      \
  SWITCHYARD_GPU_BODY(Backend, Route);     \
  SWITCHYARD_GPU_BODY(Backend, Plan);      \
  SWITCHYARD_GPU_BODY(Backend, RoutePlan); \
  SWITCHYARD_GPU_BODY(Backend, GateUp);    \
  SWITCHYARD_GPU_BODY(Backend, Down);      \
  SWITCHYARD_GPU_BODY(Backend, Combine)
