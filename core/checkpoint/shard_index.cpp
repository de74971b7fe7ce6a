// SPDX-License-Identifier: Apache-2.0
#include "core/checkpoint/shard_index.hpp"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "core/checkpoint/file.hpp"
#include "core/checkpoint/json_scan.hpp"
#include "core/checkpoint/text.hpp"
#include "switchyard/checkpoint/safetensors.hpp"

namespace switchyard::checkpoint {
namespace {

namespace bounds = safetensors_limits;

constexpr std::size_t kMaxFileName = 255;
// The shortest entry: "":"a",
constexpr std::size_t kMinEntryBytes = 7;
constexpr std::size_t kMaxOtherKeys = 4096;

/// Events of the JSON parser. Keeps weight_map; passes over everything else, its keys checked.
class IndexReader {
 public:
  IndexReader(std::size_t bytes, const JsonCounts& counts, std::string_view what, ShardIndex& index)
      : what_(what), index_(index) {
    index_.names.reserve(counts.string_bytes);
    index_.entries.reserve(
        std::min({counts.strings / 2, bytes / kMinEntryBytes, bounds::kMaxTensors}));
  }

  bool null() { return other_value("null"); }
  bool boolean(bool) { return other_value("a boolean"); }
  bool number_integer(std::int64_t) { return other_value("a number"); }
  bool number_unsigned(std::uint64_t) { return other_value("a number"); }
  bool number_float(double, const std::string&) { return other_value("a number"); }
  bool binary(std::vector<std::uint8_t>&) { return other_value("binary data"); }

  bool string(std::string& value) {
    if (!in_weight_map_) {
      return other_value("a string");
    }
    index_.entries.back().shard = shard(value);
    return true;
  }

  bool start_object(std::size_t) {
    if (in_weight_map_) {
      return other_value("an object");
    }
    other_value("an object");
    ++depth_;
    in_weight_map_ = next_is_weight_map_;
    next_is_weight_map_ = false;
    keys_.emplace_back();
    return true;
  }

  bool end_object() {
    --depth_;
    in_weight_map_ = false;
    keys_.pop_back();
    return true;
  }

  bool start_array(std::size_t) { return other_value("a list"); }
  bool end_array() { return true; }

  bool key(std::string& name) {
    if (in_weight_map_) {
      return add_tensor(name);
    }
    if (keys_.back().size() == kMaxOtherKeys) {
      malformed("{}: an object has more than {} keys", what_, kMaxOtherKeys);
    }
    if (!keys_.back().insert(name).second) {
      malformed("{}: duplicate key {}", what_, in_quotes(name));
    }
    if (depth_ == 1 && name == "weight_map") {
      next_is_weight_map_ = true;
      seen_weight_map_ = true;
    }
    return true;
  }

  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::detail::exception& error) {
    malformed("{}: is not valid JSON at byte {}: {}", what_, position, one_line(error.what()));
  }

  void finish() {
    if (!seen_weight_map_) {
      malformed("{}: weight_map is missing", what_);
    }
    auto& entries = index_.entries;
    std::sort(entries.begin(), entries.end(),
              [](const auto& a, const auto& b) { return a.tensor < b.tensor; });
    const auto twin =
        std::adjacent_find(entries.begin(), entries.end(),
                           [](const auto& a, const auto& b) { return a.tensor == b.tensor; });
    if (twin != entries.end()) {
      malformed("{}: duplicate key {}", what_, in_quotes(twin->tensor));
    }
  }

 private:
  bool other_value(std::string_view found) {
    if (in_weight_map_) {
      malformed("{}: weight_map has {} for tensor {}, must be a file name", what_, found,
                in_quotes(index_.entries.back().tensor));
    }
    if (next_is_weight_map_ && found != "an object") {
      malformed("{}: weight_map is {}, must be an object", what_, found);
    }
    return true;
  }

  bool add_tensor(const std::string& name) {
    if (index_.entries.size() == bounds::kMaxTensors) {
      malformed("{}: more than {} tensors", what_, bounds::kMaxTensors);
    }
    if (index_.names.capacity() - index_.names.size() < name.size()) {
      malformed("{}: more names than the file has room for", what_);
    }
    const std::size_t start = index_.names.size();
    index_.names += name;
    index_.entries.push_back({.tensor = std::string_view(index_.names).substr(start)});
    return true;
  }

  std::uint32_t shard(const std::string& file) {
    const auto known = shards_.find(file);
    if (known != shards_.end()) {
      return known->second;
    }
    if (!is_plain_name(file) || file.size() > kMaxFileName) {
      malformed("{}: shard {} is not a plain file name", what_, in_quotes(file));
    }
    if (index_.shards.size() == kMaxShards) {
      malformed("{}: more than {} shards", what_, kMaxShards);
    }
    const auto number = static_cast<std::uint32_t>(index_.shards.size());
    index_.shards.push_back(file);
    shards_.emplace(file, number);
    return number;
  }

  std::string_view what_;
  ShardIndex& index_;
  int depth_ = 0;
  bool next_is_weight_map_ = false;
  bool in_weight_map_ = false;
  bool seen_weight_map_ = false;
  std::vector<std::set<std::string>> keys_;  // of the open objects but weight_map
  std::map<std::string, std::uint32_t> shards_;
};

}  // namespace

void parse_shard_index(std::string_view text, std::string_view what, ShardIndex& index) {
  const JsonCounts counts = scan_json(
      text, {.max_string_bytes = bounds::kMaxStringBytes, .max_depth = bounds::kMaxDepth}, what);
  IndexReader reader(text.size(), counts, what, index);
  nlohmann::json::sax_parse(text.begin(), text.end(), &reader);
  reader.finish();
}

}  // namespace switchyard::checkpoint
