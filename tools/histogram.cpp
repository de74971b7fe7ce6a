// SPDX-License-Identifier: Apache-2.0
#include "histogram.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <vector>

namespace switchyard::tools {

std::string load_histogram(std::span<const std::int32_t> expert_load) {
  constexpr std::size_t kMaxLines = 32;
  constexpr std::int64_t kBarWidth = 40;
  const std::size_t experts = expert_load.size();
  if (experts == 0) {
    return {};
  }
  const auto [low, high] = std::minmax_element(expert_load.begin(), expert_load.end());
  const auto total = std::accumulate(expert_load.begin(), expert_load.end(), std::int64_t{0});
  const auto idle = std::count(expert_load.begin(), expert_load.end(), 0);
  std::string text = fmt::format(
      "expert load  rows per expert: min {}, mean {:.1f}, max {}; {} of {} idle\n", *low,
      static_cast<double>(total) / static_cast<double>(experts), *high, idle, experts);

  const std::size_t per_line = (experts + kMaxLines - 1) / kMaxLines;
  std::vector<std::int64_t> lines;
  for (std::size_t first = 0; first < experts; first += per_line) {
    const auto group = expert_load.subspan(first, std::min(per_line, experts - first));
    lines.push_back(std::accumulate(group.begin(), group.end(), std::int64_t{0}));
  }
  const std::int64_t tallest =
      std::max<std::int64_t>(1, *std::max_element(lines.begin(), lines.end()));
  for (std::size_t line = 0; line < lines.size(); ++line) {
    const std::size_t first = line * per_line;
    const std::size_t last = std::min(first + per_line, experts) - 1;
    const std::string label =
        first == last ? fmt::format("{}", first) : fmt::format("{}-{}", first, last);
    // Any load shows as at least one mark.
    const std::int64_t width = (lines[line] * kBarWidth + tallest - 1) / tallest;
    text += fmt::format("  {:>9} |{:<{}}| {}\n", label,
                        std::string(static_cast<std::size_t>(width), '#'), kBarWidth, lines[line]);
  }
  return text;
}

}  // namespace switchyard::tools
