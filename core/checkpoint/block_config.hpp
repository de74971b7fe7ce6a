// SPDX-License-Identifier: Apache-2.0
// config.json to LayerConfig.
#pragma once

#include <cstdint>

#include "core/checkpoint/config_view.hpp"
#include "core/checkpoint/family.hpp"
#include "switchyard/layer_config.hpp"

namespace switchyard::checkpoint {

/// The configuration of layer `layer`'s MoE block, dtypes left f32. Every number is within the
/// library's limits, and the whole passes switchyard::validate. Throws Error{malformed_file} or
/// Error{unsupported_model}.
[[nodiscard]] LayerConfig read_block_config(const Family& family, const ConfigView& config,
                                            std::int64_t layer);

/// Whether the block has a correction bias.
[[nodiscard]] bool has_correction_bias(const Family& family, const ConfigView& config);

}  // namespace switchyard::checkpoint
