// SPDX-License-Identifier: Apache-2.0
#include "core/checkpoint/config_view.hpp"

#include <cmath>
#include <set>
#include <utility>
#include <vector>

#include "core/checkpoint/json_scan.hpp"
#include "core/checkpoint/text.hpp"

namespace switchyard::checkpoint {
namespace {

using nlohmann::json;

/// `text` with null for the words that Python's json module writes beyond JSON.
std::string without_python_words(std::string_view text) {
  constexpr std::array<std::string_view, 3> kWords{"-Infinity", "Infinity", "NaN"};
  std::string out;
  out.reserve(text.size());
  bool in_string = false;
  for (std::size_t i = 0; i < text.size();) {
    if (in_string && text[i] == '\\' && i + 1 < text.size()) {
      out += text.substr(i, 2);
      i += 2;
      continue;
    }
    if (text[i] == '"') {
      in_string = !in_string;
    }
    std::size_t skipped = 0;
    for (const std::string_view word : kWords) {
      if (!in_string && skipped == 0 && text.substr(i).starts_with(word)) {
        skipped = word.size();
      }
    }
    if (skipped != 0) {
      out += "null";
      i += skipped;
    } else {
      out += text[i++];
    }
  }
  return out;
}

std::string json_text(const json& value) {
  return one_line(value.dump(-1, ' ', true, json::error_handler_t::replace)).substr(0, 80);
}

}  // namespace

ConfigView::ConfigView(const json& object, std::string what)
    : object_(object), what_(std::move(what)) {}

const json* ConfigView::find(const KeyNames& names, std::string_view* found) const {
  for (const std::string_view name : names) {
    const auto it = name.empty() ? object_.end() : object_.find(name);
    if (it != object_.end() && !it->is_null()) {
      if (found != nullptr) {
        *found = name;
      }
      return &*it;
    }
  }
  return nullptr;
}

void ConfigView::wrong_type(std::string_view key, const json& value,
                            std::string_view expected) const {
  malformed("{}: {} is {}, must be {}", what_, key, json_text(value), expected);
}

std::int64_t ConfigView::integer(const IntKey& key, std::int64_t layer, std::int64_t min,
                                 std::int64_t max) const {
  std::string_view name = key.names[0];
  const json* value = find(key.names, &name);
  if (value == nullptr && key.fallback == kRequired) {
    malformed("{}: {} is missing", what_, name);
  }
  if (value != nullptr && value->is_array()) {
    if (layer < 0 || static_cast<std::size_t>(layer) >= value->size()) {
      malformed("{}: {} lists {} layers, must list layer {}", what_, name, value->size(), layer);
    }
    value = &(*value)[static_cast<std::size_t>(layer)];
  }
  std::int64_t result = key.fallback;
  if (value != nullptr) {
    if (!value->is_number_integer()) {
      wrong_type(name, *value, "an integer");
    }
    if (value->is_number_unsigned() &&
        value->get<std::uint64_t>() > std::uint64_t{std::numeric_limits<std::int64_t>::max()}) {
      malformed("{}: {} is {}, must be in [{}, {}]", what_, name, json_text(*value), min, max);
    }
    result = value->get<std::int64_t>();
  }
  if (result < min || result > max) {
    malformed("{}: {} is {}, must be in [{}, {}]", what_, name, result, min, max);
  }
  return result;
}

double ConfigView::number(const FloatKey& key) const {
  std::string_view name;
  const json* value = find(key.names, &name);
  if (value == nullptr) {
    return key.fallback;
  }
  if (!value->is_number()) {
    wrong_type(name, *value, "a number");
  }
  const auto result = value->get<double>();
  if (!std::isfinite(result) || std::abs(result) > std::numeric_limits<float>::max()) {
    wrong_type(name, *value, "a number that a float holds");
  }
  return result;
}

bool ConfigView::flag(const BoolKey& key) const {
  std::string_view name;
  const json* value = find(key.names, &name);
  if (value == nullptr) {
    return key.fallback;
  }
  if (!value->is_boolean()) {
    wrong_type(name, *value, "true or false");
  }
  return value->get<bool>();
}

std::string ConfigView::text(const TextKey& key) const {
  std::string_view name;
  const json* value = find(key.names, &name);
  if (value == nullptr) {
    return std::string(key.fallback);
  }
  if (!value->is_string()) {
    wrong_type(name, *value, "a string");
  }
  return value->get<std::string>();
}

const json* ConfigView::list(const KeyNames& names) const {
  std::string_view name;
  const json* value = find(names, &name);
  if (value != nullptr && !value->is_array()) {
    wrong_type(name, *value, "a list");
  }
  return value;
}

const json* ConfigView::object(const KeyNames& names) const {
  std::string_view name;
  const json* value = find(names, &name);
  if (value != nullptr && !value->is_object()) {
    wrong_type(name, *value, "an object");
  }
  return value;
}

std::string ConfigView::shown(const KeyNames& names) const {
  const json* value = find(names);
  if (value == nullptr) {
    return {};
  }
  return value->is_string() ? value->get<std::string>().substr(0, 80) : json_text(*value);
}

json parse_config(std::string_view text, std::string_view what) {
  const std::string standard = without_python_words(text);
  scan_json(standard, {.max_string_bytes = 64U << 10U, .max_depth = 16}, what);
  std::vector<std::set<std::string>> open_objects;
  const auto check_keys = [&](int, json::parse_event_t event, json& parsed) {
    if (event == json::parse_event_t::object_start) {
      open_objects.emplace_back();
    } else if (event == json::parse_event_t::object_end) {
      open_objects.pop_back();
    } else if (event == json::parse_event_t::key &&
               !open_objects.back().insert(parsed.get<std::string>()).second) {
      malformed("{}: duplicate key {}", what, in_quotes(parsed.get<std::string>()));
    }
    return true;
  };
  try {
    return json::parse(standard, check_keys);
  } catch (const json::exception& error) {
    malformed("{}: is not valid JSON: {}", what, one_line(error.what()));
  }
}

}  // namespace switchyard::checkpoint
