// SPDX-License-Identifier: Apache-2.0
// The bodies that CUDA has for devices of compute capability 9.0.
#pragma once

#include "backends/gpu/tuned_bodies.hpp"
#include "switchyard/backends/cuda.hpp"

namespace switchyard {

template <>
class gpu::TunedBodies<CudaApi> {
 public:
  TunedBodies(const DeviceInfo& device, GpuBodies bodies);

  [[nodiscard]] WeightLayout layout_of(const ExpertMatrices& matrices) const noexcept;
  void repack(CudaApi::NativeStream stream, DeviceSpan<std::byte> to,
              const ExpertMatrices& matrices, const HostTensor& from) const;

  /// Stages that have a portable body alone.
  template <class Params>
  [[nodiscard]] bool launch(CudaApi::NativeStream /*stream*/,
                            const Params& /*params*/) const noexcept {
    return false;
  }

 private:
  int device_;
  bool fits_device_;  ///< Compute capability 9.0, and not hidden by an option.
};

}  // namespace switchyard
