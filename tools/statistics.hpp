// SPDX-License-Identifier: Apache-2.0
// Summary of repeated measurements.
#pragma once

#include <cstddef>
#include <vector>

namespace switchyard::tools {

/// Order statistics of some samples; all zero where there are none.
struct Summary {
  std::size_t count = 0;
  double min = 0.0;
  double p10 = 0.0;
  double median = 0.0;
  double p90 = 0.0;
  double max = 0.0;
};

/// Quantiles are interpolated linearly between neighbouring samples.
[[nodiscard]] Summary summarize(std::vector<double> samples);

}  // namespace switchyard::tools
