// SPDX-License-Identifier: Apache-2.0
// Which layers of a model have an MoE block.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/checkpoint/config_view.hpp"
#include "core/checkpoint/family.hpp"

namespace switchyard::checkpoint {

inline constexpr std::int64_t kMaxLayers = 4096;

struct LayerMap {
  std::int64_t num_layers = 0;
  std::vector<std::int64_t> moe_layers;  ///< Ascending.
};

[[nodiscard]] LayerMap map_layers(const Family& family, const ConfigView& config);

/// "0-3, 5, 7-9" for ascending numbers; "none" for no numbers.
[[nodiscard]] std::string ranges(const std::vector<std::int64_t>& numbers);

}  // namespace switchyard::checkpoint
