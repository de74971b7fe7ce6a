// SPDX-License-Identifier: Apache-2.0
// How the copy engine reads packed rows: two boxes of a stage's width over one matrix.
#pragma once

#include "kernels/sm90/product/shape.hpp"
#include "kernels/sm90/tensor_map.hpp"

namespace switchyard::kernels::sm90 {

/// What kernels take whose rows need no map.
struct NoBoxes {};

struct RowBoxes {
  static constexpr int kTallUnits = 4;

  TensorMap tall;  ///< kTallUnits units of rows at once.
  TensorMap flat;  ///< One unit.
};

}  // namespace switchyard::kernels::sm90
