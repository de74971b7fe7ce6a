// SPDX-License-Identifier: Apache-2.0
#include "backends/cuda/native.hpp"
#include "backends/gpu/capture_impl.hpp"

template struct switchyard::GpuRuntime<switchyard::CudaApi>;
