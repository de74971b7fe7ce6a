// SPDX-License-Identifier: Apache-2.0
/// \file
/// The CPU backend: the reference that checks all others.
#pragma once

#include <string_view>

#include "switchyard/backend.hpp"
#include "switchyard/backends/host.hpp"
#include "switchyard/export.hpp"

namespace switchyard {

/// Choices of a CpuBackend.
using CpuOptions = HostOptions;

/// A Backend that runs the readable bodies of the stages on host memory.
class SWITCHYARD_API CpuBackend : public HostSubstrate {
 public:
  static constexpr std::string_view kName = "cpu";

  /// Throws Error{invalid_argument} for a number of threads out of range.
  explicit CpuBackend(const CpuOptions& options = {});

  [[nodiscard]] static DeviceList devices();

  /// Bodies are defined in kernels/<stage>; a stage without one does not link.
  template <class Stage>
  void launch(Stream& stream, const LaunchConfig& config, const typename Stage::Params& params);
};

static_assert(Backend<CpuBackend>);

}  // namespace switchyard
