// SPDX-License-Identifier: Apache-2.0
#include "backends/cuda/sm90/tensor_maps.hpp"

#include <array>
#include <bit>
#include <string>

#include "backends/cuda/native.hpp"
#include "switchyard/error.hpp"

namespace switchyard::sm90 {
namespace {

using kernels::sm90::ProductShape;
using kernels::sm90::RowBoxes;
using kernels::sm90::TensorMap;

}  // namespace

TensorMaps::TensorMaps() {
  void* function = nullptr;
  cudaDriverEntryPointQueryResult result{};
  constexpr unsigned kSince = 12000;  // the version of CUDA that brought the function
#if CUDART_VERSION >= 12050
  const cudaError_t status = cudaGetDriverEntryPointByVersion("cuTensorMapEncodeTiled", &function,
                                                              kSince, cudaEnableDefault, &result);
#else
  static_assert(CUDART_VERSION >= kSince);
  const cudaError_t status =
      cudaGetDriverEntryPoint("cuTensorMapEncodeTiled", &function, cudaEnableDefault, &result);
#endif
  gpu::check<CudaApi>(status, "GetDriverEntryPoint");
  if (function == nullptr || result != cudaDriverEntryPointSuccess)
    throw Error(ErrorCode::device_failure, "the driver has no cuTensorMapEncodeTiled");
  encode_ = reinterpret_cast<decltype(encode_)>(function);
}

TensorMap TensorMaps::encode(const void* rows, std::int64_t num_rows, std::int64_t width,
                             std::uint32_t box_rows) const {
  const std::array<cuuint64_t, 2> extents{static_cast<cuuint64_t>(width),
                                          static_cast<cuuint64_t>(num_rows)};
  const std::array<cuuint64_t, 1> row_bytes{static_cast<cuuint64_t>(width) * 2};
  const std::array<cuuint32_t, 2> box{ProductShape::kDepth, box_rows};
  const std::array<cuuint32_t, 2> steps{1, 1};
  CUtensorMap map{};
  const CUresult status =
      encode_(&map, CU_TENSOR_MAP_DATA_TYPE_UINT16, extents.size(), const_cast<void*>(rows),
              extents.data(), row_bytes.data(), box.data(), steps.data(),
              CU_TENSOR_MAP_INTERLEAVE_NONE, CU_TENSOR_MAP_SWIZZLE_128B,
              CU_TENSOR_MAP_L2_PROMOTION_L2_256B, CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE);
  if (status != CUDA_SUCCESS)
    throw Error(ErrorCode::device_failure,
                "cuTensorMapEncodeTiled answers " + std::to_string(static_cast<int>(status)));
  return std::bit_cast<TensorMap>(map);
}

RowBoxes TensorMaps::row_boxes(const void* rows, std::int64_t num_rows, std::int64_t width) const {
  return {encode(rows, num_rows, width, RowBoxes::kTallUnits * ProductShape::kUnitRows),
          encode(rows, num_rows, width, ProductShape::kUnitRows)};
}

}  // namespace switchyard::sm90
