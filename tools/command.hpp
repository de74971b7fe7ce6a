// SPDX-License-Identifier: Apache-2.0
// What main knows of the subcommands.
#pragma once

#include <functional>
#include <string>

namespace CLI {
class App;
}

namespace switchyard::tools {

/// Exit statuses of the program.
enum class ExitStatus : int {
  right = 0,      ///< Done; where there was something to compare, it agrees.
  wrong = 1,      ///< A result is wrong.
  bad_input = 2,  ///< Arguments, files or the machine do not allow the run; one line on stderr.
};

/// What a subcommand leaves: its standard output in whole, and the status.
struct CommandResult {
  ExitStatus status = ExitStatus::right;
  std::string output;
};

/// The subcommand that the command line chose; empty until then. Throws switchyard::Error.
using Command = std::function<CommandResult()>;

/// Each adds a subcommand to `app` that sets `chosen` when parsed. Both outlive the parsed command.
void add_layer_command(CLI::App& app, Command& chosen);
void add_bench_command(CLI::App& app, Command& chosen);
void add_devices_command(CLI::App& app, Command& chosen);

}  // namespace switchyard::tools
