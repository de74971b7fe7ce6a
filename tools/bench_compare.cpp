// SPDX-License-Identifier: Apache-2.0
#include "bench_compare.hpp"

#include <fmt/format.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>
#include <vector>

#include "switchyard/error.hpp"
#include "text.hpp"

namespace switchyard::tools {
namespace {

using Json = nlohmann::ordered_json;

[[noreturn]] void malformed(std::string_view name, std::string_view why) {
  throw Error(ErrorCode::malformed_file, fmt::format("{}: {}", one_line(name), why));
}

Json parse_result(std::string_view name, std::string_view text) {
  Json json = Json::parse(text, nullptr, false);
  if (!json.is_object() || !json.contains("results") || !json["results"].is_array())
    malformed(name, "not a result of bench --output json");
  for (const Json& cell : json["results"])
    if (!cell.is_object() || !cell.value("num_tokens", Json()).is_number_integer())
      malformed(name, "a result has no num_tokens");
  return json;
}

const Json* cell_of(const Json& result, const Json& num_tokens) {
  for (const Json& cell : result["results"])
    if (cell["num_tokens"] == num_tokens) return &cell;
  return nullptr;
}

/// The median of a summary that a cell may have.
std::optional<double> median_of(const Json& cell, const std::string& key) {
  if (!cell.contains(key) || !cell[key].is_object()) return std::nullopt;
  const Json median = cell[key].value("median", Json());
  return median.is_number() ? std::optional(median.get<double>()) : std::nullopt;
}

void add_row(TextTable& table, const std::string& tokens, const std::string& what,
             std::optional<double> before, std::optional<double> after) {
  if (!before && !after) return;
  const auto text = [](std::optional<double> value) {
    return value ? fmt::format("{:.1f}", *value) : std::string("-");
  };
  const bool both = before && after && *before > 0.0;
  table.add_row({tokens, what, text(before), text(after),
                 both ? fmt::format("{:.3f}", *after / *before) : std::string("-")});
}

std::string text_of(const Json& result, const char* key) {
  const Json value = result.value(key, Json());
  return value.is_string() ? one_line(value.get<std::string>()) : std::string("unknown");
}

std::string title(std::string_view which, std::string_view name, const Json& result) {
  return fmt::format("{}: {}: {}, {}, {} on {}: {}\n", which, one_line(name),
                     text_of(result, "model"), text_of(result, "dtype"), text_of(result, "logits"),
                     text_of(result, "backend"), text_of(result, "device"));
}

}  // namespace

std::string read_text(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  if (!file) malformed(path, "cannot be read");
  return text.str();
}

std::string compare_results(std::string_view before_name, std::string_view before,
                            std::string_view after_name, std::string_view after) {
  const Json old_result = parse_result(before_name, before);
  const Json new_result = parse_result(after_name, after);
  TextTable table({"tokens", "us", "before", "after", "after / before"});
  for (const Json& cell : new_result["results"]) {
    const Json* const other = cell_of(old_result, cell["num_tokens"]);
    if (other == nullptr) continue;
    const std::string tokens = cell["num_tokens"].dump();
    for (const char* key : {"layer_us", "routing_us", "host_us"})
      add_row(table, tokens, std::string(key).substr(0, std::string_view(key).find('_')),
              median_of(*other, key), median_of(cell, key));
    const Json old_stages = other->value("stage_us", Json::object());
    const Json new_stages = cell.value("stage_us", Json::object());
    for (const auto& stage : new_stages.items())
      add_row(table, tokens, "stage " + stage.key(), median_of(old_stages, stage.key()),
              median_of(new_stages, stage.key()));
    for (const auto& stage : old_stages.items())
      if (!new_stages.contains(stage.key()))
        add_row(table, tokens, "stage " + stage.key(), median_of(old_stages, stage.key()),
                std::nullopt);
  }
  return title("before", before_name, old_result) + title("after", after_name, new_result) + "\n" +
         table.markdown();
}

}  // namespace switchyard::tools
