// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "core/checkpoint/block_config.hpp"
#include "core/checkpoint/block_weights.hpp"
#include "core/checkpoint/config_view.hpp"
#include "core/checkpoint/family.hpp"
#include "core/checkpoint/file.hpp"
#include "core/checkpoint/layer_rule.hpp"
#include "core/checkpoint/layer_tensors.hpp"
#include "core/checkpoint/tensor_store.hpp"
#include "core/checkpoint/text.hpp"
#include "switchyard/checkpoint/checkpoint.hpp"

namespace switchyard::checkpoint {
namespace {

constexpr const char* kConfigFile = "config.json";
constexpr TextKey kModelType{.names = {"model_type"}};

nlohmann::json read_config(const Directory& directory) {
  const FileBytes file = directory.read(kConfigFile, Links::any, ReadMode::buffer, kMaxConfigBytes);
  return parse_config({reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size()},
                      directory.path_of(kConfigFile));
}

/// The configuration of the text model: where models of several kinds nest it, else the whole.
const nlohmann::json& text_config(const nlohmann::json& config, const std::string& what) {
  const ConfigView view(config, what);
  if (const auto* thinker = view.object({"thinker_config"})) {
    return text_config(*thinker, what);
  }
  const auto* nested = view.object({"text_config", "llm_config", "language_config"});
  return nested != nullptr ? *nested : config;
}

void refuse_quantised(const ConfigView& config) {
  const auto* quantised = config.object({"quantization_config", "compression_config"});
  if (quantised == nullptr) {
    return;
  }
  const std::string method =
      ConfigView(*quantised, config.what()).shown({"quant_method", "quant_type"});
  fail(ErrorCode::unsupported_model,
       "{}: the weights are quantised (quantization_config{}{}); this library reads f32, bf16 and "
       "f16 weights",
       config.what(), method.empty() ? "" : ": ", one_line(method));
}

const Family& family_of(const ConfigView& text, const ConfigView& whole) {
  const std::string own = text.text(kModelType);
  const std::string outer = whole.text(kModelType);
  for (const std::string& type : {own, outer}) {
    if (const Family* family = find_family(type)) {
      return *family;
    }
  }
  if (own.empty() && outer.empty()) {
    malformed("{}: model_type is missing", whole.what());
  }
  std::string known;
  for (const Family& family : family_table()) {
    known += known.empty() ? "" : ", ";
    known += family.model_types.front();
  }
  fail(ErrorCode::unsupported_model,
       "{}: model_type {} is not one that this library knows; it knows {}", whole.what(),
       in_quotes(own.empty() ? outer : own), known);
}

}  // namespace

struct MoeBlock::Impl {
  LayerConfig config;
  BlockWeights weights;
  std::shared_ptr<const Model::Impl> model;  // keeps the files
};

struct Model::Impl {
  explicit Impl(const std::filesystem::path& path, ReadMode mode)
      : directory(path),
        json(read_config(directory)),
        what(directory.path_of(kConfigFile)),
        config(text_config(json, what), what),
        family(family_of(config, ConfigView(json, what))),
        layers(checked_layers()),
        tensors(directory, mode) {}

  /// Reads what all layers have in common, so that open() fails where no layer could load.
  LayerMap checked_layers() const {
    refuse_quantised(ConfigView(json, what));
    refuse_quantised(config);
    LayerMap map = map_layers(family, config);
    if (map.moe_layers.empty()) {
      fail(ErrorCode::unsupported_model, "{}: none of the {} layers has an MoE block", what,
           map.num_layers);
    }
    static_cast<void>(read_block_config(family, config, map.moe_layers.front()));
    return map;
  }

  void check_layer(std::int64_t layer) const {
    if (layer < 0 || layer >= layers.num_layers) {
      fail(ErrorCode::invalid_argument, "layer is {}, must be in [0, num_layers = {})", layer,
           layers.num_layers);
    }
    if (!std::binary_search(layers.moe_layers.begin(), layers.moe_layers.end(), layer)) {
      fail(ErrorCode::invalid_argument, "layer is {}, which is dense; layers with an MoE block: {}",
           layer, ranges(layers.moe_layers));
    }
  }

  Directory directory;
  nlohmann::json json;
  std::string what;
  ConfigView config;  // views json
  const Family& family;
  LayerMap layers;
  TensorStore tensors;
};

MoeBlock::MoeBlock(std::unique_ptr<const Impl> impl) noexcept : impl_(std::move(impl)) {}
MoeBlock::MoeBlock(MoeBlock&&) noexcept = default;
MoeBlock& MoeBlock::operator=(MoeBlock&&) noexcept = default;
MoeBlock::~MoeBlock() = default;

const LayerConfig& MoeBlock::config() const noexcept {
  return impl_->config;
}

const HostMoeWeights& MoeBlock::weights() const noexcept {
  return impl_->weights.weights;
}

Model Model::open(const std::filesystem::path& directory, ReadMode mode) {
  return guarded([&] { return Model(std::make_shared<const Impl>(directory, mode)); });
}

Model::Model(std::shared_ptr<const Impl> impl) noexcept : impl_(std::move(impl)) {}
Model::Model(const Model&) noexcept = default;
Model::Model(Model&&) noexcept = default;
Model& Model::operator=(const Model&) noexcept = default;
Model& Model::operator=(Model&&) noexcept = default;
Model::~Model() = default;

std::string_view Model::family() const noexcept {
  return impl_->family.model_types[0];
}

std::int64_t Model::num_layers() const noexcept {
  return impl_->layers.num_layers;
}

const std::vector<std::int64_t>& Model::moe_layers() const noexcept {
  return impl_->layers.moe_layers;
}

MoeBlock Model::load_layer(std::int64_t layer) const {
  return guarded([&] {
    impl_->check_layer(layer);
    const bool bias = has_correction_bias(impl_->family, impl_->config);
    auto block = std::make_unique<MoeBlock::Impl>();
    block->config = read_block_config(impl_->family, impl_->config, layer);
    const LayerTensors tensors(impl_->tensors, impl_->family, layer, bias,
                               one_line(fmt::format("{}: layer {}", impl_->what, layer)));
    block->weights = read_block_weights(tensors, block->config, bias);
    block->config.weight_dtype = block->weights.weights.gate_up.dtype;
    block->config.activation_dtype = block->config.weight_dtype;
    block->model = impl_;
    return MoeBlock(std::move(block));
  });
}

std::vector<std::string_view> families() {
  return guarded([] {
    std::vector<std::string_view> types;
    for (const Family& family : family_table()) {
      std::copy_if(family.model_types.begin(), family.model_types.end(), std::back_inserter(types),
                   [](std::string_view type) { return !type.empty(); });
    }
    std::sort(types.begin(), types.end());
    return types;
  });
}

}  // namespace switchyard::checkpoint
