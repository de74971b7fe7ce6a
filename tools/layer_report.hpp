// SPDX-License-Identifier: Apache-2.0
// What `switchyard layer` says about a run.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "compare.hpp"
#include "layer_input.hpp"
#include "layer_run.hpp"
#include "switchyard/layer_config.hpp"

namespace switchyard::tools {

/// A run and the judgement on it.
struct LayerReport {
  std::string directory;
  std::string family;
  std::int64_t layer = 0;
  LayerConfig config;
  std::string router;  ///< router_text
  LayerInput input;
  LayerRun run;
  std::optional<Difference> difference;  ///< Unset: nothing to compare.
  std::optional<bool> ids_equal;         ///< Recorded router ids, as sets per token.
  bool finite = true;
  bool ok = true;
};

/// Compares the run with what `report.input` expects; sets the members from difference on.
void judge(LayerReport& report);

[[nodiscard]] std::string to_text(const LayerReport& report);
[[nodiscard]] std::string to_json(const LayerReport& report);

/// Writes hidden_states, output and the plan as a safetensors file, which `--io` takes too.
void write_result(const LayerReport& report, const std::filesystem::path& path);

}  // namespace switchyard::tools
