// SPDX-License-Identifier: Apache-2.0
// The option --path of the commands that run a layer.
#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "switchyard/forward_path.hpp"

namespace switchyard::tools {

inline constexpr ForwardPath kForwardPaths[] = {ForwardPath::staged, ForwardPath::route_plan,
                                                ForwardPath::fused_layer,
                                                ForwardPath::coupled_layer};

/// The path of that name; nothing for another text.
[[nodiscard]] inline std::optional<ForwardPath> parse_forward_path(std::string_view text) {
  for (const ForwardPath path : kForwardPaths)
    if (text == name(path)) return path;
  return std::nullopt;
}

inline void add_path_option(CLI::App& command, std::optional<std::string>& value) {
  command
      .add_option("--path", value,
                  "Stages on the device: staged, route_plan, fused_layer or coupled_layer, where "
                  "the backend's bodies can run the call so [its choice]")
      ->check(CLI::IsMember({"staged", "route_plan", "fused_layer", "coupled_layer"}));
}

}  // namespace switchyard::tools
