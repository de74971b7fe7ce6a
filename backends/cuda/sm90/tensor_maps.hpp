// SPDX-License-Identifier: Apache-2.0
// Tensor maps, which the driver encodes.
#pragma once

#include <cuda.h>

#include <cstdint>

#include "kernels/sm90/product/row_boxes.hpp"

namespace switchyard::sm90 {

/// Encodes tensor maps by the driver's function, which is found at run time.
class TensorMaps {
 public:
  TensorMaps();

  /// Boxes over `rows`: [num_rows, width] 16-bit elements, aligned to 16 bytes; width is a multiple
  /// of 8.
  [[nodiscard]] kernels::sm90::RowBoxes row_boxes(const void* rows, std::int64_t num_rows,
                                                  std::int64_t width) const;

 private:
  [[nodiscard]] kernels::sm90::TensorMap encode(const void* rows, std::int64_t num_rows,
                                                std::int64_t width, std::uint32_t box_rows) const;

  decltype(&cuTensorMapEncodeTiled) encode_ = nullptr;
};

}  // namespace switchyard::sm90
