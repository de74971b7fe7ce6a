// SPDX-License-Identifier: Apache-2.0
// The benchmark's result as Markdown, CSV and JSON.
#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "bench.hpp"
#include "switchyard/version.hpp"
#include "text.hpp"

namespace switchyard::tools {
namespace {

constexpr double kGiga = 1e-9;

std::string_view logits_name(LogitsKind kind) {
  return kind == LogitsKind::zipf ? "zipf" : "normal";
}

// Share of the floor in percent: 100 is as fast as the machine can be.
double floor_percent(const BenchCell& cell, const Ceilings& ceilings) {
  return 100.0 * cell.floor_us(ceilings) / cell.layer_us.median;
}

// The stages of all cells, each once.
std::vector<std::string> stage_names(const BenchResult& result) {
  std::vector<std::string> names;
  for (const BenchCell& cell : result.cells) {
    for (const auto& stage : cell.stage_us) {
      if (std::find(names.begin(), names.end(), stage.first) == names.end()) {
        names.push_back(stage.first);
      }
    }
  }
  return names;
}

Summary stage_summary(const BenchCell& cell, const std::string& name) {
  const auto found = std::find_if(cell.stage_us.begin(), cell.stage_us.end(),
                                  [&](const auto& stage) { return stage.first == name; });
  return found == cell.stage_us.end() ? Summary{} : found->second;
}

std::string spread(const Summary& summary) {
  return fmt::format("{:.1f} ({:.1f}-{:.1f})", summary.median, summary.p10, summary.p90);
}

nlohmann::ordered_json summary_json(const Summary& summary) {
  return {{"median", summary.median}, {"min", summary.min}, {"p10", summary.p10},
          {"p90", summary.p90},       {"max", summary.max}, {"runs", summary.count}};
}

nlohmann::ordered_json cell_json(const BenchCell& cell, const BenchResult& result) {
  nlohmann::ordered_json json;
  json["num_tokens"] = cell.num_tokens;
  json["block_size"] = cell.block_size;
  json["active_experts"] = cell.active_experts;
  json["path"] = name(cell.path);
  json["launches"] = cell.launches;
  json["graph_layers"] = cell.graph_layers;
  json["input_sets"] = cell.input_sets;
  json["weight_sets"] = cell.weight_sets;
  json["cold_weights"] = cell.cold;
  json["layer_us"] = summary_json(cell.layer_us);
  json["routing_us"] = summary_json(cell.routing_us);
  json["host_us"] = summary_json(cell.host_us);
  json["stage_us"] = nlohmann::ordered_json::object();
  for (const auto& [name, summary] : cell.stage_us) {
    json["stage_us"][name] = summary_json(summary);
  }
  json["bytes"] = cell.bytes;
  json["flop"] = cell.flops;
  json["gb_per_s"] = cell.bytes_per_second() * kGiga;
  json["bandwidth_percent"] = cell.bandwidth_percent(result.ceilings);
  json["gflop_per_s"] = cell.flops_per_second() * kGiga;
  json["peak_percent"] = cell.peak_percent(result.ceilings);
  json["floor_us"] = cell.floor_us(result.ceilings);
  json["floor_percent"] = floor_percent(cell, result.ceilings);
  json["verified_tokens"] = cell.verification.tokens_checked;
  json["rel_error"] = cell.verification.rel_error;
  json["rel_error_bound"] = cell.verification.bound;
  return json;
}

std::string to_markdown(const BenchRequest& request, const BenchResult& result) {
  const LayerConfig& config = request.shape.config;
  std::string text = fmt::format(
      "{}: hidden {}, intermediate {}, {} experts, top {}{}; {}; routed on the {}, {} logits\n",
      request.shape.name, config.hidden_size, config.intermediate_size, config.num_experts,
      config.top_k,
      config.shared_expert.intermediate_size == 0
          ? ""
          : fmt::format(", shared expert {}", config.shared_expert.intermediate_size),
      name(config.weight_dtype), name(result.route), logits_name(request.logits));
  text += fmt::format(
      "{}: {}{}{}; {} weights; last-level cache {}\n", result.backend, one_line(result.device),
      result.host_threads == 0 ? "" : fmt::format(", {} threads", result.host_threads),
      result.bodies.empty() ? "" : fmt::format(", {} bodies", result.bodies),
      name(request.weight_storage), bytes_text(static_cast<double>(result.cache_bytes)));
  text += fmt::format(
      "ceilings: {}/s, {}; floor = max(bytes / bandwidth, FLOP / peak); us: median (p10-p90){}\n\n",
      bytes_text(result.ceilings.bytes_per_second),
      result.ceilings.flops_per_second > 0.0
          ? fmt::format("{:.1f} GFLOP/s of {}", result.ceilings.flops_per_second * kGiga,
                        result.host_threads > 0 ? "f32" : "16-bit matrices")
          : std::string("operations unknown"),
      result.cells.empty() || result.cells.front().graph_layers == 0
          ? std::string()
          : fmt::format(" of layers in a graph of {} or more, {} inputs in turn",
                        result.cells.front().graph_layers, result.cells.front().input_sets));

  const std::vector<std::string> stages = stage_names(result);
  std::vector<std::string> header{"tokens",     "experts",  "sets",       "runs",       "layer us",
                                  "MB",         "MFLOP",    "GB/s",       "% of reads", "GFLOP/s",
                                  "% of peak",  "floor us", "% of floor", "path",       "launches",
                                  "routing us", "host us"};
  header.insert(header.end(), stages.begin(), stages.end());
  TextTable table(std::move(header));
  for (const BenchCell& cell : result.cells) {
    std::vector<std::string> row{fmt::format("{}", cell.num_tokens),
                                 fmt::format("{}", cell.active_experts),
                                 fmt::format("{}{}", cell.weight_sets, cell.cold ? "" : " warm"),
                                 fmt::format("{}", cell.layer_us.count),
                                 spread(cell.layer_us),
                                 fmt::format("{:.1f}", cell.bytes * 1e-6),
                                 fmt::format("{:.1f}", cell.flops * 1e-6),
                                 fmt::format("{:.2f}", cell.bytes_per_second() * kGiga),
                                 fmt::format("{:.1f}", cell.bandwidth_percent(result.ceilings)),
                                 fmt::format("{:.2f}", cell.flops_per_second() * kGiga),
                                 fmt::format("{:.1f}", cell.peak_percent(result.ceilings)),
                                 fmt::format("{:.1f}", cell.floor_us(result.ceilings)),
                                 fmt::format("{:.1f}", floor_percent(cell, result.ceilings)),
                                 std::string(name(cell.path)),
                                 fmt::format("{}", cell.launches),
                                 fmt::format("{:.1f}", cell.routing_us.median),
                                 fmt::format("{:.1f}", cell.host_us.median)};
    for (const std::string& stage : stages) {
      row.push_back(spread(stage_summary(cell, stage)));
    }
    table.add_row(std::move(row));
  }
  return text + table.markdown();
}

std::string to_csv(const BenchRequest& request, const BenchResult& result) {
  const LayerConfig& config = request.shape.config;
  const std::vector<std::string> stages = stage_names(result);
  std::vector<std::string> header{"model",
                                  "backend",
                                  "device",
                                  "threads",
                                  "dtype",
                                  "route",
                                  "logits",
                                  "hidden_size",
                                  "intermediate_size",
                                  "num_experts",
                                  "top_k",
                                  "shared_intermediate_size",
                                  "num_tokens",
                                  "block_size",
                                  "active_experts",
                                  "weight_sets",
                                  "cold_weights",
                                  "runs",
                                  "median_us",
                                  "min_us",
                                  "p10_us",
                                  "p90_us",
                                  "max_us",
                                  "bytes",
                                  "flop",
                                  "gb_per_s",
                                  "gflop_per_s",
                                  "floor_us",
                                  "floor_percent",
                                  "ceiling_gb_per_s",
                                  "ceiling_gflop_per_s",
                                  "rel_error",
                                  "rel_error_bound",
                                  "path",
                                  "launches",
                                  "graph_layers",
                                  "input_sets",
                                  "routing_us",
                                  "host_us"};
  for (const std::string& stage : stages) {
    for (const char* column : {"median", "p10", "p90"}) {
      header.push_back(fmt::format("{}_{}_us", stage, column));
    }
  }
  TextTable table(std::move(header));
  for (const BenchCell& cell : result.cells) {
    std::vector<std::string> row;
    const auto add = [&row](const auto& value) { row.push_back(fmt::format("{}", value)); };
    add(request.shape.name);
    add(result.backend);
    add(one_line(result.device));
    add(result.host_threads);
    add(name(config.weight_dtype));
    add(name(result.route));
    add(logits_name(request.logits));
    add(config.hidden_size);
    add(config.intermediate_size);
    add(config.num_experts);
    add(config.top_k);
    add(config.shared_expert.intermediate_size);
    add(cell.num_tokens);
    add(cell.block_size);
    add(cell.active_experts);
    add(cell.weight_sets);
    add(cell.cold ? 1 : 0);
    add(cell.layer_us.count);
    for (const double value :
         {cell.layer_us.median, cell.layer_us.min, cell.layer_us.p10, cell.layer_us.p90,
          cell.layer_us.max, cell.bytes, cell.flops, cell.bytes_per_second() * kGiga,
          cell.flops_per_second() * kGiga, cell.floor_us(result.ceilings),
          floor_percent(cell, result.ceilings), result.ceilings.bytes_per_second * kGiga,
          result.ceilings.flops_per_second * kGiga, cell.verification.rel_error,
          cell.verification.bound}) {
      row.push_back(fmt::format("{:.6g}", value));
    }
    add(name(cell.path));
    add(cell.launches);
    add(cell.graph_layers);
    add(cell.input_sets);
    row.push_back(fmt::format("{:.6g}", cell.routing_us.median));
    row.push_back(fmt::format("{:.6g}", cell.host_us.median));
    for (const std::string& stage : stages) {
      const Summary summary = stage_summary(cell, stage);
      for (const double value : {summary.median, summary.p10, summary.p90}) {
        row.push_back(fmt::format("{:.6g}", value));
      }
    }
    table.add_row(std::move(row));
  }
  return table.csv();
}

std::string to_json(const BenchRequest& request, const BenchResult& result) {
  const LayerConfig& config = request.shape.config;
  nlohmann::ordered_json json;
  json["version"] = SWITCHYARD_VERSION;
  json["compiler"] = __VERSION__;
  json["backend"] = result.backend;
  json["device"] = result.device;
  json["threads"] = result.host_threads;
  json["bodies"] = result.bodies;
  json["weights"] = name(request.weight_storage);
  json["last_level_cache_bytes"] = result.cache_bytes;
  json["ceilings"]["gb_per_s"] = result.ceilings.bytes_per_second * kGiga;
  json["ceilings"]["gflop_per_s"] =
      result.ceilings.flops_per_second > 0.0
          ? nlohmann::ordered_json(result.ceilings.flops_per_second * kGiga)
          : nullptr;
  json["model"] = request.shape.name;
  json["hidden_size"] = config.hidden_size;
  json["intermediate_size"] = config.intermediate_size;
  json["shared_intermediate_size"] = config.shared_expert.intermediate_size;
  json["num_experts"] = config.num_experts;
  json["top_k"] = config.top_k;
  json["dtype"] = name(config.weight_dtype);
  json["route"] = name(result.route);
  json["logits"] = logits_name(request.logits);
  json["seed"] = request.seed;
  json["results"] = nlohmann::ordered_json::array();
  for (const BenchCell& cell : result.cells) {
    json["results"].push_back(cell_json(cell, result));
  }
  return json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

}  // namespace

CommandResult bench_outcome(const BenchRequest& request, const BenchResult& result,
                            std::string_view format) {
  if (!result.fault.empty()) {
    progress(result.fault + "; no speed is reported");
    return {ExitStatus::wrong, {}};
  }
  return {ExitStatus::right, format == "csv"    ? to_csv(request, result)
                             : format == "json" ? to_json(request, result)
                                                : to_markdown(request, result)};
}

}  // namespace switchyard::tools
