// SPDX-License-Identifier: Apache-2.0
// How far a result is from the expected one, and how far it may be.
#pragma once

#include <span>

#include "switchyard/dtype.hpp"

namespace switchyard::tools {

/// Distance of a result from what was expected.
struct Difference {
  double rel_error = 0.0;      ///< Norm of the difference over norm of the expected.
  double max_abs_error = 0.0;  ///< Largest difference of one element.
};

/// Both spans have the same size. An expected norm of zero gives a rel_error of 0 where all is
/// equal, else infinity; a result that is not finite gives infinity.
[[nodiscard]] Difference difference(std::span<const float> result, std::span<const float> expected);

/// Largest rel_error of a right result against a reference in double on the same weights, by the
/// dtype of activations and weights.
[[nodiscard]] double rel_error_bound(DType compute) noexcept;

/// Whether every value is finite.
[[nodiscard]] bool all_finite(std::span<const float> values) noexcept;

}  // namespace switchyard::tools
