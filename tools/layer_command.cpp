// SPDX-License-Identifier: Apache-2.0
// switchyard layer: runs the MoE block of one layer of a checkpoint.
#include <CLI/CLI.hpp>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <memory>
#include <optional>
#include <string>

#include "backends.hpp"
#include "command.hpp"
#include "forward_path_option.hpp"
#include "layer_input.hpp"
#include "layer_report.hpp"
#include "layer_run.hpp"
#include "router_text.hpp"
#include "switchyard/checkpoint/checkpoint.hpp"
#include "switchyard/limits.hpp"
#include "switchyard/workspace.hpp"

namespace switchyard::tools {
namespace {

constexpr std::int64_t kDefaultTokens = 16;

struct LayerArguments {
  std::string directory;
  std::optional<std::int64_t> layer;
  std::string backend{DefaultBackend::kName};
  std::optional<std::string> route;
  std::optional<std::string> path;
  std::string compute = "f32";
  std::optional<std::string> io;
  std::optional<std::int64_t> tokens;
  std::uint64_t seed = 0;
  std::optional<std::string> out;
  bool json = false;
  std::optional<std::int32_t> block_size;
  DeviceChoice device;
};

std::optional<IoFile> open_io(const LayerArguments& arguments) {
  if (arguments.io) {
    return IoFile(*arguments.io);
  }
  const auto path = std::filesystem::path(arguments.directory) / "moe_io.safetensors";
  std::error_code ignored;
  if (std::filesystem::exists(path, ignored)) {
    return IoFile(path);
  }
  return std::nullopt;
}

CommandResult run(const LayerArguments& arguments) {
  const auto model = checkpoint::Model::open(arguments.directory);
  const std::optional<IoFile> io = open_io(arguments);
  std::optional<std::int64_t> recorded_layer;
  if (io) {
    recorded_layer = io->layer();
  }
  const std::int64_t layer = arguments.layer.value_or(recorded_layer.value_or(0));
  const checkpoint::MoeBlock block = model.load_layer(layer);

  LayerReport report;
  report.directory = arguments.directory;
  report.family = model.family();
  report.layer = layer;
  report.config = block.config();
  report.config.activation_dtype = *parse_dtype(arguments.compute);
  report.config.weight_dtype = report.config.activation_dtype;
  report.router = router_text(report.config, block.weights());
  report.input =
      io ? io->read(report.config, layer, arguments.tokens)
         : random_input(report.config, arguments.tokens.value_or(kDefaultTokens), arguments.seed);

  LayerRunOptions options;
  options.device = arguments.device;
  if (arguments.route) {
    options.route = *arguments.route == "host" ? RoutePath::host : RoutePath::device;
  }
  if (arguments.path) options.path = parse_forward_path(*arguments.path);
  options.block_size = arguments.block_size.value_or(choose_block_size(
      report.input.num_tokens * report.config.top_k, report.config.local_experts()));
  with_backend(arguments.backend, [&](auto tag) {
    using B = typename decltype(tag)::Type;
    report.run = run_layer<B>(report.config, block.weights(), report.input, options);
  });
  judge(report);
  if (arguments.out) {
    write_result(report, *arguments.out);
  }
  return {report.ok ? ExitStatus::right : ExitStatus::wrong,
          arguments.json ? to_json(report) : to_text(report)};
}

}  // namespace

void add_layer_command(CLI::App& app, Command& chosen) {
  CLI::App* command =
      app.add_subcommand("layer", "Run the MoE block of one layer of a checkpoint and check it");
  auto arguments = std::make_shared<LayerArguments>();
  LayerArguments& a = *arguments;
  command->add_option("DIR", a.directory, "Model directory, as published on model hubs")
      ->required();
  command->add_option("--layer", a.layer, "Layer number [the io file's metadata `layer`, else 0]")
      ->check(CLI::Range(std::int64_t{0}, std::numeric_limits<std::int64_t>::max()));
  command->add_option("--backend", a.backend, "Where it runs: " + built_backend_names())
      ->capture_default_str();
  command->add_option("--route", a.route, "Who builds the plan: device or host [device]")
      ->check(CLI::IsMember({"device", "host"}));
  add_path_option(*command, a.path);
  command->add_option("--compute", a.compute, "Activations and weights: f32, bf16 or f16")
      ->check(CLI::IsMember({"f32", "bf16", "f16"}))
      ->capture_default_str();
  command->add_option("--io", a.io,
                      "safetensors file with hidden_states and, where it has one, the expected "
                      "output [DIR/moe_io.safetensors if there, else random states]");
  command
      ->add_option("--tokens", a.tokens,
                   "Random states: how many tokens [16]; io file: its first so many [all]")
      ->check(CLI::Range(std::int64_t{0}, limits::kMaxTokens));
  command->add_option("--seed", a.seed, "Of the random states")->capture_default_str();
  command->add_option("--out", a.out, "Write the output and the plan to this safetensors file");
  command->add_flag("--json", a.json, "Print one JSON object");
  command
      ->add_option("--block-size", a.block_size,
                   "Of the padded order: 16, 32 or 64 [chosen by the extents]")
      ->check(CLI::IsMember({16, 32, 64}));
  command->add_option("--device", a.device.index, "Index of the backend's device [0]");
  command->add_option("--threads", a.device.num_threads, "Host threads [one per core]")
      ->check(CLI::Range(1, 1024));
  command->callback([arguments, &chosen] { chosen = [arguments] { return run(*arguments); }; });
}

}  // namespace switchyard::tools
