// SPDX-License-Identifier: Apache-2.0
#include "core/checkpoint/layer_rule.hpp"

#include <algorithm>
#include <functional>
#include <set>

#include "core/checkpoint/text.hpp"

namespace switchyard::checkpoint {
namespace {

using nlohmann::json;
using IsMoe = std::function<bool(std::int64_t)>;

constexpr KeyNames kMlpTypes{"mlp_layer_types"};
constexpr KeyNames kBlockTypes{"layers_block_type"};
constexpr TextKey kBlockPattern{.names = {"hybrid_override_pattern"}};

/// The list's integers, each in [0, num_layers).
std::set<std::int64_t> layer_set(const ConfigView& config, std::string_view key, const json& list,
                                 std::int64_t num_layers) {
  std::set<std::int64_t> layers;
  for (const json& item : list) {
    if (!item.is_number_unsigned() ||
        item.get<std::uint64_t>() >= static_cast<std::uint64_t>(num_layers)) {
      malformed("{}: {} lists {}, must list layers in [0, {})", config.what(), key,
                one_line(item.dump(-1, ' ', true, json::error_handler_t::replace)).substr(0, 80),
                num_layers);
    }
    layers.insert(item.get<std::int64_t>());
  }
  return layers;
}

/// Whether entry i of a list with one string per layer is `word`.
IsMoe entry_is(const ConfigView& config, std::string_view key, const json& list,
               std::int64_t num_layers, std::string_view word) {
  if (static_cast<std::int64_t>(list.size()) < num_layers) {
    malformed("{}: {} has {} entries, must have num_hidden_layers = {}", config.what(), key,
              list.size(), num_layers);
  }
  return [&list, word](std::int64_t layer) {
    const json& entry = list[static_cast<std::size_t>(layer)];
    return entry.is_string() && entry.get_ref<const std::string&>() == word;
  };
}

IsMoe leading_dense(const Family& family, const ConfigView& config, std::int64_t num_layers) {
  if (const json* types = config.list(kMlpTypes)) {
    return entry_is(config, kMlpTypes[0], *types, num_layers, "sparse");
  }
  const std::int64_t dense =
      named(family.dense_layers) ? config.integer(family.dense_layers, 0, 0, kMaxLayers) : 0;
  return [&config, dense](std::int64_t layer) {
    // A number, or a list with 0 for dense layers.
    const std::int64_t frequency =
        config.integer({.names = {"moe_layer_freq"}, .fallback = 1}, layer, 0, kMaxLayers);
    return layer >= dense && frequency != 0 && layer % frequency == 0;
  };
}

IsMoe sparse_step(const ConfigView& config, std::int64_t num_layers) {
  constexpr KeyNames kDense{"mlp_only_layers"};
  const std::int64_t step =
      config.integer({.names = {"decoder_sparse_step"}, .fallback = 1}, 0, 1, kMaxLayers);
  std::set<std::int64_t> dense;
  if (const json* list = config.list(kDense)) {
    dense = layer_set(config, kDense[0], *list, num_layers);
  }
  return [step, dense](std::int64_t layer) {
    return !dense.contains(layer) && (layer + 1) % step == 0;
  };
}

IsMoe interleave(const ConfigView& config, std::int64_t num_layers) {
  constexpr KeyNames kMoeLayers{"moe_layers"};
  if (const json* list = config.list(kMoeLayers)) {
    const auto layers = layer_set(config, kMoeLayers[0], *list, num_layers);
    return [layers](std::int64_t layer) { return layers.contains(layer); };
  }
  const std::int64_t step =
      config.integer({.names = {"interleave_moe_layer_step"}, .fallback = 1}, 0, 1, kMaxLayers);
  return [step](std::int64_t layer) { return (layer + 1) % step == 0; };
}

IsMoe interval(const ConfigView& config) {
  const std::int64_t first =
      config.integer({.names = {"moe_layer_start_index"}, .fallback = 1}, 0, 0, kMaxLayers);
  const std::int64_t last =
      config.integer({.names = {"moe_layer_end_index"}, .fallback = -1}, 0, -1, kMaxLayers);
  const std::int64_t step =
      config.integer({.names = {"moe_layer_interval"}, .fallback = 1}, 0, 1, kMaxLayers);
  return [=](std::int64_t layer) {
    return (layer + 1) % step == 0 && layer >= first && (last == -1 || layer <= last);
  };
}

IsMoe period(const ConfigView& config) {
  const std::int64_t step =
      config.integer({.names = {"expert_layer_period"}, .fallback = 2}, 0, 1, kMaxLayers);
  const std::int64_t offset =
      config.integer({.names = {"expert_layer_offset"}, .fallback = 1}, 0, 0, step - 1);
  return [=](std::int64_t layer) { return layer % step == offset; };
}

IsMoe block_types(const ConfigView& config, std::int64_t num_layers) {
  if (const json* types = config.list(kBlockTypes)) {
    return entry_is(config, kBlockTypes[0], *types, num_layers, "moe");
  }
  const std::string pattern = config.text(kBlockPattern);
  if (static_cast<std::int64_t>(pattern.size()) < num_layers) {
    malformed("{}: {} has {} letters, must have num_hidden_layers = {}", config.what(),
              kBlockPattern.names[0], pattern.size(), num_layers);
  }
  return [pattern](std::int64_t layer) { return pattern[static_cast<std::size_t>(layer)] == 'E'; };
}

std::int64_t count_layers(const Family& family, const ConfigView& config) {
  IntKey key{.names = {"num_hidden_layers"}};
  if (family.layers == LayerRule::block_types) {
    const json* types = config.list(kBlockTypes);
    key.fallback = static_cast<std::int64_t>(types != nullptr ? types->size()
                                                              : config.text(kBlockPattern).size());
  }
  return config.integer(key, 0, 1, kMaxLayers);
}

IsMoe rule(const Family& family, const ConfigView& config, std::int64_t num_layers) {
  switch (family.layers) {
    case LayerRule::all:
      break;
    case LayerRule::leading_dense:
      return leading_dense(family, config, num_layers);
    case LayerRule::sparse_step:
      return sparse_step(config, num_layers);
    case LayerRule::interleave:
      return interleave(config, num_layers);
    case LayerRule::interval:
      return interval(config);
    case LayerRule::period:
      return period(config);
    case LayerRule::block_types:
      return block_types(config, num_layers);
  }
  return [](std::int64_t) { return true; };
}

}  // namespace

LayerMap map_layers(const Family& family, const ConfigView& config) {
  LayerMap map;
  map.num_layers = count_layers(family, config);
  const IsMoe is_moe = rule(family, config, map.num_layers);
  for (std::int64_t layer = 0; layer < map.num_layers; ++layer) {
    if (is_moe(layer)) {
      map.moe_layers.push_back(layer);
    }
  }
  return map;
}

std::string ranges(const std::vector<std::int64_t>& numbers) {
  std::string out;
  for (std::size_t i = 0; i < numbers.size();) {
    std::size_t last = i;
    while (last + 1 < numbers.size() && numbers[last + 1] == numbers[last] + 1) {
      ++last;
    }
    out += out.empty() ? "" : ", ";
    out +=
        last == i ? fmt::format("{}", numbers[i]) : fmt::format("{}-{}", numbers[i], numbers[last]);
    i = last + 1;
  }
  return out.empty() ? "none" : out;
}

}  // namespace switchyard::checkpoint
