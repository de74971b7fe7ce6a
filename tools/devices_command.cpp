// SPDX-License-Identifier: Apache-2.0
// switchyard devices: every backend of this build, each device or the reason why none is usable.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>

#include "backends.hpp"
#include "command.hpp"
#include "text.hpp"

namespace switchyard::tools {
namespace {

std::string devices_text() {
  std::string text;
  for_each_backend([&](auto tag) {
    using B = typename decltype(tag)::Type;
    const DeviceList list = B::devices();
    const bool is_default = B::kName == DefaultBackend::kName;
    text += fmt::format("{}{}\n", B::kName, is_default ? " (default)" : "");
    for (const DeviceInfo& device : list.devices) {
      text += fmt::format("  {}: {}, {} compute units, wave {}, {}\n", device.index,
                          one_line(device.name), device.compute_units, device.wave_size,
                          bytes_text(static_cast<double>(device.memory_bytes)));
    }
    if (list.devices.empty()) {
      text += fmt::format("  no usable device: {}\n", one_line(list.reason));
    }
  });
  return text;
}

std::string devices_json() {
  nlohmann::ordered_json json;
  json["default"] = DefaultBackend::kName;
  json["backends"] = nlohmann::ordered_json::array();
  for_each_backend([&](auto tag) {
    using B = typename decltype(tag)::Type;
    const DeviceList list = B::devices();
    nlohmann::ordered_json backend;
    backend["name"] = B::kName;
    backend["devices"] = nlohmann::ordered_json::array();
    for (const DeviceInfo& device : list.devices) {
      backend["devices"].push_back({{"index", device.index},
                                    {"name", device.name},
                                    {"memory_bytes", device.memory_bytes},
                                    {"compute_units", device.compute_units},
                                    {"wave_size", device.wave_size}});
    }
    if (list.devices.empty()) {
      backend["reason"] = list.reason;
    }
    json["backends"].push_back(std::move(backend));
  });
  return json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

}  // namespace

void add_devices_command(CLI::App& app, Command& chosen) {
  CLI::App* command = app.add_subcommand(
      "devices", "List every backend of this build with its devices, or why it has none");
  auto json = std::make_shared<bool>(false);
  command->add_flag("--json", *json, "Print one JSON object");
  command->callback([json, &chosen] {
    chosen = [json] {
      return CommandResult{ExitStatus::right, *json ? devices_json() : devices_text()};
    };
  });
}

}  // namespace switchyard::tools
