// SPDX-License-Identifier: Apache-2.0
// `switchyard devices`, --version and --help.
#include <nlohmann/json.hpp>
#include <string>

#include "support/catch.hpp"
#include "switchyard/version.hpp"
#include "tools/support/process.hpp"

using switchyard::test::ProcessResult;
using switchyard::test::run_tool;

TEST_CASE("devices: every backend is listed with its devices") {
  const ProcessResult text = run_tool({"devices"});
  CHECK(text.status == 0);
  CHECK(text.err.empty());
  CHECK(text.out.find("cpu") == 0);

  const ProcessResult result = run_tool({"devices", "--json"});
  REQUIRE(result.status == 0);
  const auto json = nlohmann::json::parse(result.out);
  CHECK(json["default"].is_string());
  REQUIRE(json["backends"].size() >= 1);
  CHECK(json["backends"][0]["name"] == "cpu");
  for (const auto& backend : json["backends"]) {
    // Devices, or the reason why there are none.
    CHECK(backend["devices"].empty() == backend.contains("reason"));
  }
  const auto& device = json["backends"][0]["devices"].at(0);
  CHECK(device["compute_units"].get<int>() >= 1);
  CHECK(device["memory_bytes"].get<double>() > 0.0);
  CHECK_FALSE(device["name"].get<std::string>().empty());
}

TEST_CASE("the version and the help go to stdout") {
  const ProcessResult version = run_tool({"--version"});
  CHECK(version.status == 0);
  CHECK(version.out == "switchyard " SWITCHYARD_VERSION "\n");

  for (const std::string command : {"", "layer", "bench", "devices"}) {
    const ProcessResult help = run_tool(command.empty() ? std::vector<std::string>{"--help"}
                                                        : std::vector{command, std::string("-h")});
    INFO(command);
    CHECK(help.status == 0);
    CHECK(help.err.empty());
    CHECK(help.out.find("Usage: switchyard") != std::string::npos);
  }
}
