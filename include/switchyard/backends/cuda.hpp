// SPDX-License-Identifier: Apache-2.0
/// \file
/// The CUDA backend. No CUDA header is needed to use it: cudaStream_t is CUstream_st*.
#pragma once

#include <string_view>

#include "switchyard/backends/gpu.hpp"
#include "switchyard/export.hpp"
#include "switchyard/probing.hpp"

struct CUstream_st;
struct CUevent_st;
struct CUgraph_st;
struct CUgraphExec_st;

namespace switchyard {

/// CUDA's handles.
struct SWITCHYARD_API CudaApi {
  static constexpr std::string_view kName = "cuda";
  static constexpr ForwardPath kForwardPaths[] = {ForwardPath::staged, ForwardPath::route_plan,
                                                  ForwardPath::fused_layer,
                                                  ForwardPath::coupled_layer};
  using NativeStream = CUstream_st*;
  using NativeEvent = CUevent_st*;
  using NativeGraph = CUgraph_st*;
  using NativeGraphExec = CUgraphExec_st*;
};

/// A Backend on an NVIDIA GPU.
using CudaBackend = GpuBackend<CudaApi>;

static_assert(Backend<CudaBackend>);
static_assert(FusingBackend<CudaBackend>);
static_assert(RepackingBackend<CudaBackend>);
static_assert(DescribingBackend<CudaBackend>);
static_assert(ProbingBackend<CudaBackend>);
static_assert(CountingBackend<CudaBackend>);

}  // namespace switchyard
