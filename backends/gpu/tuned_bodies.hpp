// SPDX-License-Identifier: Apache-2.0
// The seam for bodies that are tuned for some devices of a vendor.
#pragma once

#include <string>

#include "kernels/combine/params.hpp"
#include "switchyard/backends/gpu.hpp"
#include "switchyard/error.hpp"

namespace switchyard::gpu {

/// Bodies that a vendor has tuned for a device. A vendor that has some specialises this class in
/// backends/<vendor>; this one has none.
///
///   describe_products(call)     as DescribingBackend's
///   layout_of(m)                what the bodies want for m; rows: they do not serve it
///   repack(stream, to, m, from) `to` = `from` in swizzled_tiles; may wait
///   launch(stream, params)      whether the stage's launch was enqueued; else the portable body
///                               runs. A stage with matrices in swizzled_tiles always is.
///   runs_fused_layer(call)      whether they run a call as one stage
///   prefers_fused_layer(call)   whether that is how it is fastest
///   launch_routed_layer(stream, params)  whether all of it was enqueued, as one launch
///   launch_fused_layer(stream, params)   whether what follows its plan was enqueued
///   runs_coupled_layer(call)    whether they run gate_up and down with shared counters: down need
///                               not wait for all of gate_up; it is the faster wherever it runs
///   launch_coupled_products(stream, params)   the two, behind a route_plan stage that cleared the
///                               counters
///   launch_last_combine(stream, params)  as launch, where nobody reads the expert rows behind it
///   probe_products(stream, sink)   as ProbingBackend's
template <class Api>
class TunedBodies {
 public:
  TunedBodies(const DeviceInfo& /*device*/, const GpuOptions& /*options*/) {}

  [[nodiscard]] std::string describe_products(const ForwardCall& /*call*/) const {
    return std::string(name(GpuBodies::portable));
  }

  [[nodiscard]] WeightLayout layout_of(const ExpertMatrices& /*matrices*/) const noexcept {
    return WeightLayout::rows;
  }
  void repack(typename Api::NativeStream /*stream*/, DeviceSpan<std::byte> /*to*/,
              const ExpertMatrices& /*matrices*/, const HostTensor& /*from*/) const {
    throw Error(ErrorCode::invalid_argument,
                "layout is swizzled_tiles, which this backend has no bodies for");
  }
  [[nodiscard]] bool runs_fused_layer(const ForwardCall& /*call*/) const noexcept { return false; }
  [[nodiscard]] bool prefers_fused_layer(const ForwardCall& /*call*/) const noexcept {
    return false;
  }
  [[nodiscard]] bool launch_routed_layer(
      typename Api::NativeStream /*stream*/,
      const kernels::FusedLayerParams& /*params*/) const noexcept {
    return false;
  }
  [[nodiscard]] bool launch_fused_layer(
      typename Api::NativeStream /*stream*/,
      const kernels::FusedLayerParams& /*params*/) const noexcept {
    return false;
  }
  [[nodiscard]] bool runs_coupled_layer(const ForwardCall& /*call*/) const noexcept {
    return false;
  }
  void launch_coupled_products(typename Api::NativeStream /*stream*/,
                               const kernels::FusedLayerParams& /*params*/) const {
    throw Error(ErrorCode::invalid_argument, "this backend has no bodies for coupled_layer");
  }
  [[nodiscard]] bool launch_last_combine(typename Api::NativeStream /*stream*/,
                                         const kernels::CombineParams& /*params*/) const noexcept {
    return false;
  }
  [[nodiscard]] double probe_products(typename Api::NativeStream /*stream*/,
                                      DeviceSpan<std::byte> /*sink*/) const noexcept {
    return 0.0;
  }
  template <class Params>
  [[nodiscard]] bool launch(typename Api::NativeStream /*stream*/,
                            const Params& /*params*/) const noexcept {
    return false;
  }
};

}  // namespace switchyard::gpu
