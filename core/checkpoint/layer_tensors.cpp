// SPDX-License-Identifier: Apache-2.0
#include "core/checkpoint/layer_tensors.hpp"

#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include "core/checkpoint/text.hpp"

namespace switchyard::checkpoint {
namespace {

// In front of "N." in the names of layer N.
constexpr std::array<std::string_view, 7> kLayerPrefixes{
    "model.layers.",
    "model.language_model.layers.",
    "language_model.model.layers.",
    "thinker.model.layers.",
    "language_model.layers.",
    "backbone.layers.",
    "layers.",
};

// What quantised checkpoints have beside, or instead of, a weight.
constexpr std::array<std::string_view, 6> kQuantisedSuffixes{
    "_scale_inv", "_blocks", "_scale", "_packed", "_qweight", "_scales",
};

bool same_shape(std::span<const std::int64_t> actual,
                std::initializer_list<std::int64_t> expected) {
  auto stored = actual;
  while (stored.size() > expected.size() && stored.front() == 1) {
    stored = stored.subspan(1);
  }
  return std::equal(stored.begin(), stored.end(), expected.begin(), expected.end());
}

HostTensor to_host(const TensorEntry& tensor, DType dtype,
                   std::initializer_list<std::int64_t> shape) {
  HostTensor host{.bytes = tensor.bytes, .dtype = dtype};
  std::copy_backward(shape.begin(), shape.end(), host.shape.end());
  return host;
}

}  // namespace

std::string expert_name(std::string_view pattern, std::int64_t expert) {
  const std::size_t hole = pattern.find("{}");
  if (hole == std::string_view::npos) {
    return std::string(pattern);
  }
  return fmt::format("{}{}{}", pattern.substr(0, hole), expert, pattern.substr(hole + 2));
}

LayerTensors::LayerTensors(const TensorStore& store, const Family& family, std::int64_t layer,
                           bool correction_bias, std::string what)
    : store_(store), what_(std::move(what)) {
  choose_names(family, layer, correction_bias);
  choose_experts();
}

const TensorEntry* LayerTensors::find(std::string_view name) const {
  return name.empty() ? nullptr : store_.find(prefix_ + std::string(name));
}

void LayerTensors::choose_names(const Family& family, std::int64_t layer, bool correction_bias) {
  std::string second_best_prefix;
  const TensorNames* second_best = nullptr;
  for (const std::string_view prefix : kLayerPrefixes) {
    prefix_ = fmt::format("{}{}.", prefix, layer);
    for (const TensorNames& names : family.names) {
      if (find(names.router) == nullptr) {
        continue;
      }
      if (!correction_bias || names.correction_bias.empty() ||
          find(names.correction_bias) != nullptr) {
        names_ = &names;
        return;
      }
      if (second_best == nullptr) {
        second_best = &names;
        second_best_prefix = prefix_;
      }
    }
  }
  if (second_best == nullptr) {
    prefix_ = fmt::format("{}{}.", kLayerPrefixes.front(), layer);
    missing(prefix_ + std::string(family.names.front().router));
  }
  names_ = second_best;
  prefix_ = second_best_prefix;
}

bool LayerTensors::any_of(const ExpertNames& experts) const {
  return !experts.down.empty() && find(expert_name(experts.down, 0)) != nullptr;
}

void LayerTensors::choose_experts() {
  const auto chosen = std::find_if(names_->experts.begin(), names_->experts.end(),
                                   [&](const ExpertNames& experts) { return any_of(experts); });
  if (chosen == names_->experts.end()) {
    missing(prefix_ + expert_name(names_->experts.front().down, 0));
  }
  experts_ = &*chosen;
}

void LayerTensors::missing(const std::string& full_name) const {
  std::string stem = full_name;
  if (stem.ends_with("weight")) {
    stem.resize(stem.size() - 7);
  }
  for (const std::string_view suffix : kQuantisedSuffixes) {
    for (const std::string& candidate :
         {full_name + std::string(suffix), stem + '.' + std::string(suffix.substr(1))}) {
      if (store_.find(candidate) != nullptr) {
        fail(ErrorCode::unsupported_model,
             "{}: {} is quantised (there is {}); this library reads f32, bf16 and f16 weights",
             what_, in_quotes(full_name), in_quotes(candidate));
      }
    }
  }
  malformed("{}: tensor {} is missing", what_, in_quotes(full_name));
}

HostTensor LayerTensors::get(std::string_view name,
                             std::initializer_list<std::int64_t> shape) const {
  const std::string full_name = prefix_ + std::string(name);
  const TensorEntry* tensor = store_.find(full_name);
  if (tensor == nullptr) {
    missing(full_name);
  }
  const auto dtype = to_dtype(tensor->dtype);
  if (!dtype) {
    fail(ErrorCode::unsupported_model,
         "{}: tensor {} has dtype {}; this library reads f32, bf16 and f16 weights", what_,
         in_quotes(full_name), checkpoint::name(tensor->dtype));
  }
  if (!same_shape(tensor->shape, shape)) {
    malformed("{}: tensor {} has shape [{}], must be [{}] by config.json", what_,
              in_quotes(full_name), fmt::join(tensor->shape, ", "), fmt::join(shape, ", "));
  }
  return to_host(*tensor, *dtype, shape);
}

HostTensor LayerTensors::get_of_expert(std::string_view name, std::int64_t expert,
                                       std::initializer_list<std::int64_t> shape) const {
  return get(expert_name(name, expert), shape);
}

bool LayerTensors::has_shape(std::string_view name,
                             std::initializer_list<std::int64_t> shape) const {
  const TensorEntry* tensor = find(name);
  return tensor != nullptr && same_shape(tensor->shape, shape);
}

}  // namespace switchyard::checkpoint
