// SPDX-License-Identifier: Apache-2.0
// The command line program: parses, runs one subcommand, prints what it leaves.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <new>
#include <string>
#include <string_view>

#include "command.hpp"
#include "switchyard/version.hpp"
#include "text.hpp"

namespace {

using switchyard::tools::Command;
using switchyard::tools::CommandResult;
using switchyard::tools::ExitStatus;

int fail(std::string_view message) {
  const std::string line = "switchyard: " + switchyard::tools::one_line(message) + "\n";
  std::fputs(line.c_str(), stderr);
  return static_cast<int>(ExitStatus::bad_input);
}

int run(int argc, char** argv) {
  CLI::App app{"Runs Mixture-of-Experts layers.", "switchyard"};
  app.set_version_flag("--version", "switchyard " SWITCHYARD_VERSION);
  app.set_help_flag("--help,-h", "Print this help and exit");
  Command command;
  switchyard::tools::add_layer_command(app, command);
  switchyard::tools::add_bench_command(app, command);
  switchyard::tools::add_devices_command(app, command);

  const std::string first = argc > 1 ? argv[1] : "";
  if (first.empty()) {
    return fail("a subcommand is needed: layer, bench or devices; see switchyard --help");
  }
  const auto is_first = [&first](const CLI::App* subcommand) {
    return subcommand->get_name() == first;
  };
  if (first[0] != '-' && app.get_subcommands(is_first).empty()) {
    return fail("unknown subcommand '" + first + "', must be layer, bench or devices");
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& asked) {  // --help, --version
    return app.exit(asked);
  } catch (const CLI::ParseError& error) {
    return fail(error.what());
  }
  if (!command) {
    return fail("a subcommand is needed: layer, bench or devices; see switchyard --help");
  }
  const CommandResult result = command();
  const std::size_t written = std::fwrite(result.output.data(), 1, result.output.size(), stdout);
  if (written != result.output.size() || std::fflush(stdout) != 0) {
    return fail("cannot write to the standard output");
  }
  return static_cast<int>(result.status);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::bad_alloc&) {
    return fail("out of memory");
  } catch (const std::exception& error) {
    return fail(error.what());
  }
}
