// SPDX-License-Identifier: Apache-2.0
#include "layer_report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <nlohmann/json.hpp>
#include <span>
#include <vector>

#include "histogram.hpp"
#include "switchyard/checkpoint/safetensors.hpp"
#include "text.hpp"

namespace switchyard::tools {
namespace {

bool same_ids(const LayerReport& report) {
  const auto k = static_cast<std::size_t>(report.config.top_k);
  std::vector<std::int32_t> expected = report.input.expected_ids;
  std::vector<std::int32_t> selected = report.run.plan.selected_ids;
  for (std::size_t row = 0; row < expected.size(); row += k) {
    const auto offset = static_cast<std::ptrdiff_t>(row);
    const auto width = static_cast<std::ptrdiff_t>(k);
    std::sort(expected.begin() + offset, expected.begin() + offset + width);
    std::sort(selected.begin() + offset, selected.begin() + offset + width);
  }
  return expected == selected;
}

std::string verdict(const LayerReport& report) {
  if (!report.finite) {
    return "WRONG: the output holds values that are not finite";
  }
  if (!report.difference) {
    return report.input.note.empty() ? "nothing to compare with" : report.input.note;
  }
  return fmt::format("{}: rel_error {:.3g} (at most {:.0e}), max_abs_error {:.3g}",
                     report.ok ? "RIGHT" : "WRONG", report.difference->rel_error,
                     rel_error_bound(report.config.activation_dtype),
                     report.difference->max_abs_error);
}

// JSON has no infinity: null, with ok false beside it.
nlohmann::ordered_json number(double value) {
  return std::isfinite(value) ? nlohmann::ordered_json(value) : nlohmann::ordered_json(nullptr);
}

}  // namespace

void judge(LayerReport& report) {
  report.finite = all_finite(report.run.output);
  report.ok = report.finite;
  if (!report.input.expected.empty()) {
    report.difference = difference(report.run.output, report.input.expected);
    report.ok = report.ok &&
                report.difference->rel_error <= rel_error_bound(report.config.activation_dtype);
  }
  if (!report.input.expected_ids.empty()) {
    report.ids_equal = same_ids(report);
  }
}

std::string to_text(const LayerReport& report) {
  const LayerConfig& config = report.config;
  const LayerRun& run = report.run;
  std::string text;
  text += fmt::format("model        {} ({}), layer {}\n", one_line(report.directory),
                      one_line(report.family), report.layer);
  text += fmt::format("input        {}\n", one_line(report.input.origin));
  text += fmt::format("backend      {}: {}{}\n", run.backend, one_line(run.device),
                      run.host_threads == 0 ? "" : fmt::format(", {} threads", run.host_threads));
  text += fmt::format("shapes       {} tokens, hidden {}, intermediate {}, {} experts, top {}",
                      report.input.num_tokens, config.hidden_size, config.intermediate_size,
                      config.num_experts, config.top_k);
  text += config.shared_expert.intermediate_size == 0
              ? "\n"
              : fmt::format(", shared expert {}\n", config.shared_expert.intermediate_size);
  text += fmt::format("compute      {}, {} experts, routed on the {}, blocks of {}\n",
                      name(config.activation_dtype), name(config.activation.kind), name(run.route),
                      run.plan.block_size);
  text += fmt::format("router       {}\n", report.router);
  text += fmt::format("path         {}: {}\n\n", name(run.path), run.description);
  text += load_histogram(run.plan.expert_load());
  text += "\nstage        microseconds (median)\n";
  for (const StageTime& stage : run.stages) {
    text += fmt::format("  {:<10} {:>12.1f}\n", stage.stage, stage.microseconds);
  }
  text += fmt::format("  {:<10} {:>12.1f}\n\n", "whole call", run.total_us);
  text += fmt::format("plan digest  {}\n", digest_text(run.plan.digest()));
  if (report.ids_equal) {
    text += fmt::format("router ids   {} the recorded ones\n",
                        *report.ids_equal ? "equal" : "differ from");
  }
  text += fmt::format("result       {}\n", verdict(report));
  return text;
}

std::string to_json(const LayerReport& report) {
  const LayerConfig& config = report.config;
  const LayerRun& run = report.run;
  nlohmann::ordered_json json;
  json["ok"] = report.ok;
  json["backend"] = run.backend;
  json["device"] = run.device;
  json["route"] = name(run.route);
  json["compute"] = name(config.activation_dtype);
  json["family"] = report.family;
  json["layer"] = report.layer;
  json["input"] = report.input.origin;
  json["num_tokens"] = report.input.num_tokens;
  json["hidden_size"] = config.hidden_size;
  json["intermediate_size"] = config.intermediate_size;
  json["shared_intermediate_size"] = config.shared_expert.intermediate_size;
  json["num_experts"] = config.num_experts;
  json["top_k"] = config.top_k;
  json["activation"] = name(config.activation.kind);
  json["router"] = report.router;
  json["block_size"] = run.plan.block_size;
  json["finite"] = report.finite;
  json["rel_error"] = report.difference ? number(report.difference->rel_error) : nullptr;
  json["rel_error_bound"] = rel_error_bound(config.activation_dtype);
  json["max_abs_error"] = report.difference ? number(report.difference->max_abs_error) : nullptr;
  json["router_ids_equal"] = report.ids_equal ? nlohmann::ordered_json(*report.ids_equal) : nullptr;
  json["plan_digest"] = digest_text(run.plan.digest());
  json["expert_load"] = run.plan.expert_load();
  json["path"] = name(run.path);
  json["description"] = run.description;
  json["launches"] = run.launches;
  json["stage_us"] = nlohmann::ordered_json::object();
  for (const StageTime& stage : run.stages) {
    json["stage_us"][stage.stage] = stage.microseconds;
  }
  json["total_us"] = run.total_us;
  if (run.host_threads != 0) {
    json["threads"] = run.host_threads;
  }
  if (!report.input.note.empty()) {
    json["note"] = report.input.note;
  }
  return json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

void write_result(const LayerReport& report, const std::filesystem::path& path) {
  using checkpoint::TensorDType;
  const std::int64_t tokens = report.input.num_tokens;
  const std::int64_t k = report.config.top_k;
  const HostPlan& plan = report.run.plan;
  std::vector<checkpoint::TensorData> tensors;
  const auto floats = [&](const char* name, const std::vector<float>& values, std::int64_t cols) {
    tensors.push_back({name, TensorDType::f32, {tokens, cols}, std::as_bytes(std::span(values))});
  };
  const auto ints = [&](const char* name, const std::vector<std::int32_t>& values,
                        std::vector<std::int64_t> shape) {
    tensors.push_back({name, TensorDType::i32, std::move(shape), std::as_bytes(std::span(values))});
  };
  const auto vector = [&](const char* name, const std::vector<std::int32_t>& values) {
    ints(name, values, {static_cast<std::int64_t>(values.size())});
  };
  floats("hidden_states", report.input.hidden_states, report.config.hidden_size);
  floats("output", report.run.output, report.config.hidden_size);
  floats("pair_weights", plan.pair_weights, k);
  ints("selected_ids", plan.selected_ids, {tokens, k});
  ints("pairs_by_token", plan.pairs_by_token, {tokens, k});
  vector("packed_token_idx", plan.packed_token_idx);
  vector("expert_offsets", plan.expert_offsets);
  vector("sorted_tokens", plan.sorted_tokens);
  vector("block_ids", plan.block_ids);
  vector("total_post_pad", plan.total_post_pad);
  checkpoint::write_safetensors(path, tensors,
                                {{"family", report.family},
                                 {"layer", fmt::format("{}", report.layer)},
                                 {"backend", report.run.backend},
                                 {"route", std::string(name(report.run.route))},
                                 {"compute", std::string(name(report.config.activation_dtype))},
                                 {"block_size", fmt::format("{}", plan.block_size)},
                                 {"plan_digest", digest_text(plan.digest())}});
}

}  // namespace switchyard::tools
