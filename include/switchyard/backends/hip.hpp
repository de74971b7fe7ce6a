// SPDX-License-Identifier: Apache-2.0
/// \file
/// The HIP backend. No HIP header is needed to use it: hipStream_t is ihipStream_t*.
#pragma once

#include <string_view>

#include "switchyard/backends/gpu.hpp"
#include "switchyard/export.hpp"
#include "switchyard/probing.hpp"

struct ihipStream_t;
struct ihipEvent_t;
struct ihipGraph;
struct hipGraphExec;

namespace switchyard {

/// HIP's handles.
struct SWITCHYARD_API HipApi {
  static constexpr std::string_view kName = "hip";
  static constexpr ForwardPath kForwardPaths[] = {ForwardPath::staged, ForwardPath::route_plan};
  using NativeStream = ihipStream_t*;
  using NativeEvent = ihipEvent_t*;
  using NativeGraph = ihipGraph*;
  using NativeGraphExec = hipGraphExec*;
};

/// A Backend on an AMD GPU, of waves of 32 or 64 lanes.
using HipBackend = GpuBackend<HipApi>;

static_assert(FusingBackend<HipBackend>);
static_assert(Backend<HipBackend>);
static_assert(ProbingBackend<HipBackend>);
static_assert(CountingBackend<HipBackend>);

}  // namespace switchyard
