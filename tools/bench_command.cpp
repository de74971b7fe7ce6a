// SPDX-License-Identifier: Apache-2.0
// switchyard bench: measures one layer with random weights.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "backends.hpp"
#include "bench.hpp"
#include "bench_compare.hpp"
#include "bench_run.hpp"
#include "command.hpp"
#include "forward_path_option.hpp"
#include "model_shapes.hpp"
#include "switchyard/error.hpp"
#include "switchyard/limits.hpp"

namespace switchyard::tools {
namespace {

struct BenchArguments {
  std::optional<std::string> model;
  std::optional<std::int64_t> hidden_size;
  std::optional<std::int64_t> intermediate_size;
  std::optional<std::int64_t> experts;
  std::optional<std::int64_t> top_k;
  bool shared_expert = false;
  std::vector<std::int64_t> tokens{1, 4, 16, 64};
  std::string backend{DefaultBackend::kName};
  std::string dtype = "bf16";
  DeviceChoice device;
  std::string logits = "normal";
  std::string output = "md";
  std::optional<std::string> route;
  std::optional<std::int32_t> block_size;
  std::string weights = "copied";
  std::uint64_t seed = 0;
  double seconds = 2.0;
  std::optional<std::int64_t> repeat;
  std::optional<int> weight_sets;
  std::optional<std::string> path;
  std::optional<int> graph_layers;
  std::optional<double> warm_up;
  std::vector<double> ceilings;
  std::vector<std::string> compare;
};

[[noreturn]] void reject(const std::string& what) {
  throw Error(ErrorCode::invalid_argument, what);
}

ModelShape shape_of(const BenchArguments& arguments) {
  ModelShape shape{.name = "custom", .config = {}};
  if (arguments.model) {
    const ModelShape* model = find_model_shape(*arguments.model);
    if (model == nullptr) {
      reject(
          fmt::format("--model is {}, must be one of: {}", *arguments.model, model_shape_names()));
    }
    shape = *model;
  } else if (!arguments.hidden_size || !arguments.intermediate_size || !arguments.experts ||
             !arguments.top_k) {
    reject(
        "either --model or all of --hidden-size, --intermediate-size, --experts and --top-k are "
        "needed");
  } else {
    shape.config.router = routers::qwen3_moe(true);
  }
  LayerConfig& config = shape.config;
  config.hidden_size = arguments.hidden_size.value_or(config.hidden_size);
  config.intermediate_size = arguments.intermediate_size.value_or(config.intermediate_size);
  config.num_experts = arguments.experts.value_or(config.num_experts);
  config.top_k = arguments.top_k.value_or(config.top_k);
  config.activation_dtype = *parse_dtype(arguments.dtype);
  config.weight_dtype = config.activation_dtype;
  if (arguments.shared_expert) {
    if (shape.shared_size == 0) {
      reject(fmt::format("--shared-expert: {} has no shared expert", shape.name));
    }
    config.shared_expert.intermediate_size = shape.shared_size;
  }
  validate(config);
  return shape;
}

BenchRequest request_of(const BenchArguments& arguments) {
  BenchRequest request;
  request.shape = shape_of(arguments);
  request.tokens = arguments.tokens;
  request.device = arguments.device;
  request.logits = arguments.logits == "zipf" ? LogitsKind::zipf : LogitsKind::normal;
  request.seed = arguments.seed;
  if (arguments.route) {
    request.route = *arguments.route == "host" ? RoutePath::host : RoutePath::device;
  }
  if (arguments.path) request.path = parse_forward_path(*arguments.path);
  request.graph_layers = arguments.graph_layers;
  request.warm_up = arguments.warm_up;
  request.block_size = arguments.block_size;
  if (arguments.weights == "borrowed") {
    request.weight_storage = WeightStorage::borrowed;
  }
  request.seconds = arguments.seconds;
  request.runs = arguments.repeat;
  request.weight_sets = arguments.weight_sets;
  if (!arguments.ceilings.empty()) {
    if (arguments.ceilings.size() != 2 || !(arguments.ceilings[0] > 0.0) ||
        !(arguments.ceilings[1] > 0.0)) {
      reject("--ceilings must be two positive numbers: GB/s,GFLOP/s");
    }
    request.ceilings = Ceilings{arguments.ceilings[0] * 1e9, arguments.ceilings[1] * 1e9};
  }
  return request;
}

CommandResult run(const BenchArguments& arguments) {
  const std::vector<std::string>& files = arguments.compare;
  if (files.size() == 2) {
    return {ExitStatus::right,
            compare_results(files[0], read_text(files[0]), files[1], read_text(files[1]))};
  }
  if (!files.empty() && arguments.output != "md") {
    reject("--compare prints tables: --output is " + arguments.output + ", must be md");
  }
  const std::string before = files.empty() ? std::string() : read_text(files[0]);
  const BenchRequest request = request_of(arguments);
  BenchResult result;
  with_backend(arguments.backend, [&](auto tag) {
    using B = typename decltype(tag)::Type;
    result = BenchRun<B>(request).run();
  });
  CommandResult outcome = bench_outcome(request, result, arguments.output);
  if (!files.empty() && outcome.status == ExitStatus::right) {
    const CommandResult now = bench_outcome(request, result, "json");
    outcome.output += "\n" + compare_results(files[0], before, "this run", now.output);
  }
  return outcome;
}

void add_shape_options(CLI::App& command, BenchArguments& a) {
  command.add_option("--model", a.model, "Shapes of: " + model_shape_names());
  const auto size = [&](const char* name, std::optional<std::int64_t>& value, std::int64_t most,
                        const char* text) {
    command.add_option(name, value, text)->check(CLI::Range(std::int64_t{1}, most));
  };
  size("--hidden-size", a.hidden_size, limits::kMaxHiddenSize, "Instead of the model's");
  size("--intermediate-size", a.intermediate_size, limits::kMaxIntermediateSize,
       "Instead of the model's");
  size("--experts", a.experts, limits::kMaxExperts, "Number of experts instead of the model's");
  size("--top-k", a.top_k, limits::kMaxTopK, "Experts per token instead of the model's");
  command.add_flag("--shared-expert", a.shared_expert, "With the model's shared expert");
  command.add_option("--dtype", a.dtype, "Activations and weights: f32, bf16 or f16")
      ->check(CLI::IsMember({"f32", "bf16", "f16"}))
      ->capture_default_str();
}

void add_run_options(CLI::App& command, BenchArguments& a) {
  command.add_option("--tokens", a.tokens, "Numbers of tokens, separated by commas")
      ->delimiter(',')
      ->check(CLI::Range(std::int64_t{1}, limits::kMaxTokens))
      ->capture_default_str();
  command.add_option("--backend", a.backend, "Where it runs: " + built_backend_names())
      ->capture_default_str();
  command.add_option("--device", a.device.index, "Index of the backend's device [0]");
  command.add_option("--threads", a.device.num_threads, "Host threads [one per core]")
      ->check(CLI::Range(1, 1024));
  command.add_option("--logits", a.logits, "Load of the experts: normal (even) or zipf (skewed)")
      ->check(CLI::IsMember({"normal", "zipf"}))
      ->capture_default_str();
  command.add_option("--route", a.route, "Who builds the plan: device or host [device]")
      ->check(CLI::IsMember({"device", "host"}));
  command
      .add_option("--block-size", a.block_size,
                  "Of the padded order: 16, 32 or 64 [the library's choice]")
      ->check(CLI::IsMember({16, 32, 64}));
  command
      .add_option("--weights", a.weights,
                  "Expert matrices: copied, or borrowed from host memory where the backend can")
      ->check(CLI::IsMember({"copied", "borrowed"}))
      ->capture_default_str();
  command.add_option("--seed", a.seed, "Of weights, states and logits")->capture_default_str();
  command.add_option("--seconds", a.seconds, "Time for each number of tokens; at least three runs")
      ->check(CLI::Range(0.0, 3600.0))
      ->capture_default_str();
  command.add_option("--repeat", a.repeat, "Exactly so many runs instead")
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{1'000'000}));
  command
      .add_option("--weight-sets", a.weight_sets,
                  "Copies of the weights that take turns [enough to find them cold]")
      ->check(CLI::Range(1, 64));
  add_path_option(command, a.path);
  command
      .add_option(
          "--graph-layers", a.graph_layers,
          "Calls in a row in a graph that is replayed, 0: calls one by one [0 on hosts, else "
          "24 or one per copy of the weights]")
      ->check(CLI::Range(0, 1024));
  command
      .add_option("--warm-up", a.warm_up,
                  "Seconds of the same calls before they are measured [1 from 1024 tokens on where "
                  "the backend is no host's]")
      ->check(CLI::Range(0.0, 3600.0));
  command
      .add_option(
          "--compare", a.compare,
          "FILE: then compare the result with this one, in JSON; FILE FILE: compare the two "
          "and measure nothing")
      ->expected(1, 2);
  command
      .add_option("--ceilings", a.ceilings, "GB/s,GFLOP/s of the machine instead of measuring them")
      ->delimiter(',');
  command.add_option("--output", a.output, "md, csv or json")
      ->check(CLI::IsMember({"md", "csv", "json"}))
      ->capture_default_str();
}

}  // namespace

void add_bench_command(CLI::App& app, Command& chosen) {
  CLI::App* command = app.add_subcommand(
      "bench", "Measure one layer with random weights, after checking its result");
  auto arguments = std::make_shared<BenchArguments>();
  add_shape_options(*command, *arguments);
  add_run_options(*command, *arguments);
  command->callback([arguments, &chosen] { chosen = [arguments] { return run(*arguments); }; });
}

}  // namespace switchyard::tools
