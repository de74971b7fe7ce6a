// SPDX-License-Identifier: Apache-2.0
// The bodies that CUDA has for devices of compute capability 9.0.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "backends/cuda/sm90/counter_sets.hpp"
#include "backends/cuda/sm90/fused_layer.hpp"
#include "backends/cuda/sm90/route_plan.hpp"
#include "backends/cuda/sm90/tensor_maps.hpp"
#include "backends/gpu/tuned_bodies.hpp"
#include "kernels/combine/params.hpp"
#include "kernels/combine/sm90_rows.hpp"
#include "kernels/down/params.hpp"
#include "kernels/gate_up/params.hpp"
#include "kernels/route_plan/params.hpp"
#include "kernels/sm90/product/shape.hpp"
#include "switchyard/backends/cuda.hpp"

namespace switchyard {

template <>
class gpu::TunedBodies<CudaApi> {
 public:
  TunedBodies(const DeviceInfo& device, const GpuOptions& options);

  [[nodiscard]] std::string describe_products(const ForwardCall& call) const;

  /// Swizzled tiles for 16-bit matrices that meet activations of the same dtype, where all extents
  /// are multiples of 8, so that rows can be copied 16 bytes at a time.
  [[nodiscard]] WeightLayout layout_of(const ExpertMatrices& matrices) const noexcept;
  void repack(CudaApi::NativeStream stream, DeviceSpan<std::byte> to,
              const ExpertMatrices& matrices, const HostTensor& from) const;

  [[nodiscard]] bool launch(CudaApi::NativeStream stream,
                            const kernels::GateUpParams& params) const {
    return launch(stream, params, {});
  }
  [[nodiscard]] bool launch(CudaApi::NativeStream stream, const kernels::DownParams& params) const {
    return launch(stream, params, {});
  }
  [[nodiscard]] bool launch(CudaApi::NativeStream stream,
                            const kernels::CombineParams& params) const {
    return launch(stream, params, kernels::sm90::ReadRows::kept);
  }
  [[nodiscard]] bool launch(CudaApi::NativeStream stream,
                            const kernels::RoutePlanParams& params) const;
  /// Stage "fused_layer" (backends/cuda/sm90/fused_layer.hpp).
  [[nodiscard]] bool runs_fused_layer(const ForwardCall& call) const noexcept {
    return fits_device_ && sm90::runs_fused_layer(call);
  }
  [[nodiscard]] bool prefers_fused_layer(const ForwardCall& call) const noexcept {
    return runs_fused_layer(call) && sm90::suits_fused_layer(call);
  }
  [[nodiscard]] bool launch_fused_layer(CudaApi::NativeStream stream,
                                        const kernels::FusedLayerParams& params) const {
    return sm90::launch_fused_layer(device_, num_blocks_, stream, params);
  }
  [[nodiscard]] bool launch_routed_layer(CudaApi::NativeStream stream,
                                         const kernels::FusedLayerParams& params) const {
    return fits_device_ &&
           sm90::launch_routed_layer(device_, num_blocks_, stream, params, *counters_);
  }
  /// Where gate_up and down are products in swizzled tiles.
  [[nodiscard]] bool runs_coupled_layer(const ForwardCall& call) const noexcept;
  /// Blocks draw their items (ProductCounters::drawn). Where it is worth it, down begins with an
  /// expert when gate_up has counted all of its rows (ProductCounters::stored).
  void launch_coupled_products(CudaApi::NativeStream stream,
                               const kernels::FusedLayerParams& params) const;

  /// Expert rows that combine has read are discarded where that is worth it.
  [[nodiscard]] bool launch_last_combine(CudaApi::NativeStream stream,
                                         const kernels::CombineParams& params) const {
    return launch(stream, params, kernels::sm90::choose_read_rows(params));
  }

  [[nodiscard]] double probe_products(CudaApi::NativeStream stream,
                                      DeviceSpan<std::byte> sink) const;

  /// Stages that have a portable body alone.
  template <class Params>
  [[nodiscard]] bool launch(CudaApi::NativeStream /*stream*/,
                            const Params& /*params*/) const noexcept {
    return false;
  }

 private:
  /// How a product of so many rows and experts is laid out.
  [[nodiscard]] kernels::sm90::ProductLaunch plan_product(std::int64_t max_rows,
                                                          std::int64_t num_experts) const noexcept;
  [[nodiscard]] bool launch(CudaApi::NativeStream stream, const kernels::GateUpParams& params,
                            const kernels::sm90::ProductCounters& counters) const;
  [[nodiscard]] bool launch(CudaApi::NativeStream stream, const kernels::DownParams& params,
                            const kernels::sm90::ProductCounters& counters) const;
  [[nodiscard]] bool launch(CudaApi::NativeStream stream, const kernels::CombineParams& params,
                            kernels::sm90::ReadRows read) const;
  /// Whether coupled products of so many rows begin with a copy of the hidden states in packed
  /// order, where gate_up is lean.
  [[nodiscard]] bool packs_hidden_states(std::int64_t max_rows, std::int64_t num_experts,
                                         std::int64_t intermediate_size) const noexcept;
  /// gate_up of hidden states that are copied to `packed`: [max_rows, H]. False: they are not, and
  /// nothing was launched.
  [[nodiscard]] bool launch_packed(CudaApi::NativeStream stream,
                                   const kernels::GateUpParams& params, void* packed,
                                   const kernels::sm90::ProductCounters& counters) const;
  /// The kernel of a build.
  using FindProduct = const void* (*)(const kernels::sm90::ProductBuild&) noexcept;
  /// `boxes`: the argument of the kernel beside its parameter block.
  template <class Params, class Boxes>
  void launch_product(CudaApi::NativeStream stream, FindProduct find, const Params& params,
                      Boxes boxes, const kernels::sm90::ProductCounters& counters) const;

  int device_;
  std::optional<sm90::TensorMaps> maps_;         ///< Where the bodies run.
  std::unique_ptr<sm90::CounterSets> counters_;  ///< Where the bodies run.
  bool fits_device_;                    ///< Compute capability 9.0, and not hidden by an option.
  sm90::RoutePlanLimits route_plan_;    ///< None where the bodies do not run.
  std::optional<int> product_cluster_;  ///< GpuOptions::product_cluster
  std::optional<bool> packs_hidden_states_;  ///< GpuOptions::packs_hidden_states
  int num_blocks_;                           ///< Of a product: one per multiprocessor.
  int num_clusters_ = 0;  ///< Of two blocks of a product that run at the same time.
};

}  // namespace switchyard
