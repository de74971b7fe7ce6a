// SPDX-License-Identifier: Apache-2.0
// The same weights under other names and in other layouts give the same block.
#include <algorithm>
#include <cstring>
#include <map>

#include "checkpoint/support/checkpoint_files.hpp"
#include "support/catch.hpp"
#include "switchyard/checkpoint/checkpoint.hpp"

using namespace switchyard;
using namespace switchyard::checkpoint;
using namespace switchyard::test;

namespace {

/// The tensors of a golden model, to be changed and saved.
class Rewritten : public ModelCopy {
 public:
  explicit Rewritten(const std::string& name) : ModelCopy(name) {
    for (OwnedTensor& tensor : read_tensors(path() / "model.safetensors")) {
      tensors.emplace(tensor.name, std::move(tensor));
    }
  }

  OwnedTensor take(const std::string& name) {
    INFO(name);
    const auto it = tensors.find(name);
    REQUIRE(it != tensors.end());
    OwnedTensor tensor = std::move(it->second);
    tensors.erase(it);
    return tensor;
  }

  void put(OwnedTensor tensor) {
    const std::string name = tensor.name;
    tensors[name] = std::move(tensor);
  }

  /// Renames every tensor: the first occurrence of `from` becomes `to`.
  void rename(const std::string& from, const std::string& to) {
    std::map<std::string, OwnedTensor> renamed;
    for (auto& [name, tensor] : tensors) {
      const std::size_t at = name.find(from);
      std::string fresh = name;
      if (at != std::string::npos) {
        fresh.replace(at, from.size(), to);
      }
      tensor.name = fresh;
      renamed.emplace(fresh, std::move(tensor));
    }
    tensors = std::move(renamed);
  }

  [[nodiscard]] MoeBlock load() const {
    save();
    return Model::open(path()).load_layer(1);
  }

  void save() const {
    std::vector<OwnedTensor> list;
    for (const auto& [name, tensor] : tensors) {
      list.push_back(tensor);
    }
    write_tensors(path() / "model.safetensors", list);
  }

  std::map<std::string, OwnedTensor> tensors;
};

const std::string kLayer = "model.layers.1.";

bool same(const HostTensor& a, const HostTensor& b) {
  return a.shape == b.shape && a.dtype == b.dtype &&
         std::equal(a.bytes.begin(), a.bytes.end(), b.bytes.begin(), b.bytes.end());
}

void check_same(const MoeBlock& a, const MoeBlock& b) {
  CHECK(a.config() == b.config());
  const HostMoeWeights& x = a.weights();
  const HostMoeWeights& y = b.weights();
  CHECK(same(x.gate_up, y.gate_up));
  CHECK(same(x.down, y.down));
  CHECK(same(x.gate_up_bias, y.gate_up_bias));
  CHECK(same(x.down_bias, y.down_bias));
  CHECK(same(x.router, y.router));
  CHECK(same(x.router_bias, y.router_bias));
  CHECK(same(x.correction_bias, y.correction_bias));
  CHECK(same(x.shared_gate_up, y.shared_gate_up));
  CHECK(same(x.shared_down, y.shared_down));
  CHECK(same(x.shared_gate, y.shared_gate));
}

MoeBlock golden(const std::string& name) {
  return Model::open(golden_model(name)).load_layer(1);
}

/// Elements [E,R,C] of two bytes to [E,C,R].
OwnedTensor transposed(OwnedTensor tensor) {
  const auto rows = static_cast<std::size_t>(tensor.shape[1]);
  const auto cols = static_cast<std::size_t>(tensor.shape[2]);
  std::vector<std::byte> turned(tensor.bytes.size());
  for (std::size_t e = 0; e < static_cast<std::size_t>(tensor.shape[0]); ++e) {
    for (std::size_t r = 0; r < rows; ++r) {
      for (std::size_t c = 0; c < cols; ++c) {
        std::memcpy(&turned[2 * ((e * cols + c) * rows + r)],
                    &tensor.bytes[2 * ((e * rows + r) * cols + c)], 2);
      }
    }
  }
  std::swap(tensor.shape[1], tensor.shape[2]);
  tensor.bytes = std::move(turned);
  return tensor;
}

OwnedTensor owned(const std::string& name, const HostTensor& tensor) {
  return {name,
          to_tensor_dtype(tensor.dtype),
          {tensor.shape.begin(), tensor.shape.end()},
          {tensor.bytes.begin(), tensor.bytes.end()}};
}

/// Replaces the per-expert tensors by the block's own [E,2I,H] and [E,H,I].
void fuse(Rewritten& model, const std::string& experts, const MoeBlock& block,
          bool transpose = false) {
  std::erase_if(model.tensors, [&](const auto& item) { return item.first.starts_with(experts); });
  OwnedTensor gate_up = owned(experts + "gate_up_proj", block.weights().gate_up);
  OwnedTensor down = owned(experts + "down_proj", block.weights().down);
  model.put(transpose ? transposed(gate_up) : gate_up);
  model.put(transpose ? transposed(down) : down);
}

}  // namespace

TEST_CASE("layouts: one tensor per expert and the fused form give the same block") {
  for (const char* name : {"qwen3_moe", "qwen2_moe", "deepseek_v3", "olmoe", "glm4_moe",
                           "qwen3_next", "deepseek_v2", "ernie4_5_moe"}) {
    INFO(name);
    Rewritten model(name);
    fuse(model, kLayer + "mlp.experts.", golden(name));
    check_same(model.load(), golden(name));
  }
}

TEST_CASE("layouts: families whose blocks have another name take the fused form under mlp too") {
  for (const char* name : {"mixtral", "minimax_m2"}) {
    INFO(name);
    Rewritten model(name);
    model.rename("block_sparse_moe", "mlp");
    check_same(model.load(), golden(name));
    fuse(model, kLayer + "mlp.experts.", golden(name));
    check_same(model.load(), golden(name));
  }
  Rewritten lfm2("lfm2_moe");
  fuse(lfm2, kLayer + "feed_forward.experts.", golden("lfm2_moe"));
  check_same(lfm2.load(), golden("lfm2_moe"));
}

TEST_CASE("layouts: Granite's names, old and new") {
  Rewritten model("granitemoehybrid");
  model.rename("input_linear.weight", "experts.gate_up_proj");
  model.rename("output_linear.weight", "experts.down_proj");
  model.rename("router.layer.weight", "router.weight");
  model.rename("shared_mlp.experts.gate_up_proj", "shared_mlp.input_linear.weight");
  model.rename("shared_mlp.experts.down_proj", "shared_mlp.output_linear.weight");
  check_same(model.load(), golden("granitemoehybrid"));
}

TEST_CASE("layouts: Qwen3-VL's fused tensors in either orientation, or one per expert") {
  const std::string experts = "model.language_model.layers.1.mlp.experts.";
  Rewritten model("qwen3_vl_moe");
  fuse(model, experts, golden("qwen3_vl_moe"), true);
  CHECK(model.tensors.at(experts + "down_proj").shape == std::vector<std::int64_t>{12, 40, 64});
  check_same(model.load(), golden("qwen3_vl_moe"));
}

TEST_CASE("layouts: Llama 4 with one tensor per expert") {
  const std::string experts = kLayer + "feed_forward.experts.";
  Rewritten model("llama4");
  const auto block = golden("llama4");
  model.take(experts + "gate_up_proj");
  model.take(experts + "down_proj");
  const auto row = [](const HostTensor& from, std::size_t index, std::size_t count,
                      std::array<std::int64_t, 2> shape) {
    const std::size_t bytes = from.bytes.size() / count;
    const auto part = from.bytes.subspan(index * bytes, bytes);
    return OwnedTensor{"", TensorDType::bf16, {shape[0], shape[1]}, {part.begin(), part.end()}};
  };
  for (std::size_t e = 0; e < 8; ++e) {
    OwnedTensor gate = row(block.weights().gate_up, 2 * e, 16, {48, 64});
    OwnedTensor up = row(block.weights().gate_up, 2 * e + 1, 16, {48, 64});
    OwnedTensor down = row(block.weights().down, e, 8, {64, 48});
    gate.name = experts + std::to_string(e) + ".gate_proj.weight";
    up.name = experts + std::to_string(e) + ".up_proj.weight";
    down.name = experts + std::to_string(e) + ".down_proj.weight";
    model.put(gate);
    model.put(up);
    model.put(down);
  }
  check_same(model.load(), block);
}

TEST_CASE("layouts: the prefixes of models that nest a text model") {
  for (const char* prefix : {"model.language_model.layers.", "language_model.model.layers.",
                             "thinker.model.layers.", "language_model.layers.", "layers."}) {
    INFO(prefix);
    Rewritten model("qwen3_moe");
    model.rename("model.layers.", prefix);
    check_same(model.load(), golden("qwen3_moe"));
  }
}

TEST_CASE("layouts: the configuration of a nested text model") {
  const std::string inner = read_text(golden_model("llama4") / "config.json");
  Rewritten model("llama4");
  model.write("config.json",
              R"({"model_type": "llama4", "hidden_size": 1, "text_config": )" + inner + "}");
  CHECK(Model::open(model.path()).family() == "llama4");
  check_same(model.load(), golden("llama4"));
  model.write(
      "config.json",
      R"({"model_type": "some_wrapper", "thinker_config": {"text_config": )" + inner + "}}");
  check_same(model.load(), golden("llama4"));
}

TEST_CASE("layouts: a text model without a model type goes by the whole model's") {
  std::string inner = read_text(golden_model("llama4") / "config.json");
  const std::string type = "\"llama4_text\"";
  inner.replace(inner.find(type), type.size(), "\"\"");
  Rewritten model("llama4");
  model.write("config.json", R"({"model_type": "llama4", "text_config": )" + inner + "}");
  check_same(model.load(), golden("llama4"));
}

TEST_CASE("layouts: a model type that shares another's description") {
  Rewritten model("deepseek_v3");
  model.edit_config("\"deepseek_v3\"", "\"kimi_k2\"");
  CHECK(Model::open(model.path()).family() == "deepseek_v3");
  check_same(model.load(), golden("deepseek_v3"));
}

TEST_CASE("layouts: what the file has in the library's layout is not copied") {
  const auto model = Model::open(golden_model("granitemoehybrid"));
  const auto first = model.load_layer(1);
  const auto second = model.load_layer(1);
  CHECK(first.weights().gate_up.bytes.data() == second.weights().gate_up.bytes.data());
  CHECK(first.weights().shared_gate_up.bytes.data() ==
        second.weights().shared_gate_up.bytes.data());
}

TEST_CASE("layouts: f32 and f16 weights keep their dtype") {
  for (const auto& [dtype, stored] :
       {std::pair{DType::f32, TensorDType::f32}, std::pair{DType::f16, TensorDType::f16}}) {
    Rewritten model("qwen3_moe");
    for (auto& [name, tensor] : model.tensors) {
      if (name.find("experts") != std::string::npos) {
        tensor.dtype = stored;
        tensor.bytes.resize(tensor.bytes.size() / 2 * size_of(dtype));
      }
    }
    const auto block = model.load();
    CHECK(block.config().weight_dtype == dtype);
    CHECK(block.config().activation_dtype == dtype);
    CHECK(block.weights().gate_up.dtype == dtype);
    CHECK(block.weights().router.dtype == DType::bf16);
  }
}

TEST_CASE("layouts: experts of several dtypes in one layer are refused") {
  Rewritten model("qwen3_moe");
  model.tensors.at(kLayer + "mlp.experts.3.up_proj.weight").dtype = TensorDType::f16;
  check_error(ErrorCode::unsupported_model, {"layer 1", "mix bf16 and f16"},
              [&] { (void)model.load(); });
}

TEST_CASE("layouts: a missing tensor is named") {
  const auto missing = [](const std::string& golden_name, const std::string& tensor) {
    Rewritten model(golden_name);
    model.take(kLayer + tensor);
    check_error(ErrorCode::malformed_file, {"layer 1", kLayer + tensor, "missing"},
                [&] { (void)model.load(); });
  };
  missing("qwen3_moe", "mlp.gate.weight");
  missing("qwen3_moe", "mlp.experts.15.up_proj.weight");
  missing("qwen3_moe", "mlp.experts.0.down_proj.weight");
  missing("qwen2_moe", "mlp.shared_expert_gate.weight");
  missing("qwen2_moe", "mlp.shared_expert.gate_proj.weight");
  missing("deepseek_v3", "mlp.gate.e_score_correction_bias");
  missing("gpt_oss", "mlp.router.bias");
  missing("gpt_oss", "mlp.experts.down_proj_bias");
  missing("minimax_m2", "block_sparse_moe.e_score_correction_bias");
}

TEST_CASE("layouts: a correction bias that config.json switches off is not read") {
  Rewritten model("lfm2_moe");
  model.edit_config("\"use_expert_bias\": true", "\"use_expert_bias\": false");
  CHECK_FALSE(model.load().weights().correction_bias.present());
  model.take(kLayer + "feed_forward.expert_bias");
  CHECK_FALSE(model.load().weights().correction_bias.present());
}

TEST_CASE("layouts: quantised weights are refused as such") {
  const auto refused = [](Rewritten& model, const std::vector<std::string>& words) {
    check_error(ErrorCode::unsupported_model, words, [&] { (void)model.load(); });
  };
  SECTION("8-bit floating point") {
    Rewritten model("qwen3_moe");
    OwnedTensor& tensor = model.tensors.at(kLayer + "mlp.experts.0.down_proj.weight");
    tensor.dtype = TensorDType::f8_e4m3;
    tensor.bytes.resize(tensor.bytes.size() / 2);
    refused(model, {"experts.0.down_proj.weight", "F8_E4M3"});
  }
  SECTION("mxfp4 blocks") {
    Rewritten model("gpt_oss");
    const std::string name = kLayer + "mlp.experts.down_proj";
    OwnedTensor tensor = model.take(name);
    tensor.name = name + "_blocks";
    model.put(tensor);
    refused(model, {"quantised", "down_proj_blocks"});
  }
  SECTION("packed integers") {
    Rewritten model("qwen3_moe");
    const std::string name = kLayer + "mlp.experts.0.down_proj.";
    OwnedTensor tensor = model.take(name + "weight");
    tensor.name = name + "qweight";
    model.put(tensor);
    refused(model, {"quantised", "down_proj.qweight"});
  }
}
