// SPDX-License-Identifier: Apache-2.0
// Sharded models: right ones load as the single file does, wrong indices are refused.
#include <algorithm>
#include <filesystem>

#include "checkpoint/support/checkpoint_files.hpp"
#include "support/catch.hpp"
#include "switchyard/checkpoint/checkpoint.hpp"

using namespace switchyard;
using namespace switchyard::checkpoint;
using namespace switchyard::test;

namespace {

constexpr const char* kIndex = "model.safetensors.index.json";

/// A golden model, its tensors dealt out to shards.
class Sharded : public ModelCopy {
 public:
  Sharded(const std::string& name, std::size_t num_shards) : ModelCopy(name) {
    const auto tensors = read_tensors(path() / "model.safetensors");
    std::filesystem::remove(path() / "model.safetensors");
    std::vector<std::vector<OwnedTensor>> shards(num_shards);
    std::string map;
    for (std::size_t i = 0; i < tensors.size(); ++i) {
      shards[i % num_shards].push_back(tensors[i]);
      map += (map.empty() ? "\"" : ",\"") + tensors[i].name + "\":\"" + shard(i % num_shards) + '"';
    }
    for (std::size_t s = 0; s < num_shards; ++s) {
      write_tensors(path() / shard(s), shards[s]);
    }
    weight_map = map;
    write_index("{\"metadata\":{\"total_size\":1},\"weight_map\":{" + map + "}}");
  }

  static std::string shard(std::size_t s) { return "model-" + std::to_string(s) + ".safetensors"; }
  void write_index(const std::string& text) const { write(kIndex, text); }

  std::string weight_map;  ///< The members of weight_map.
};

void check_same_block(const MoeBlock& a, const MoeBlock& b) {
  CHECK(a.config() == b.config());
  const auto same = [](const HostTensor& x, const HostTensor& y) {
    CHECK(x.shape == y.shape);
    CHECK(x.dtype == y.dtype);
    CHECK(std::equal(x.bytes.begin(), x.bytes.end(), y.bytes.begin(), y.bytes.end()));
  };
  same(a.weights().gate_up, b.weights().gate_up);
  same(a.weights().down, b.weights().down);
  same(a.weights().router, b.weights().router);
  same(a.weights().correction_bias, b.weights().correction_bias);
  same(a.weights().shared_gate_up, b.weights().shared_gate_up);
  same(a.weights().shared_down, b.weights().shared_down);
}

void check_refused(const Sharded& model, const std::vector<std::string>& words,
                   ErrorCode code = ErrorCode::malformed_file) {
  check_error(code, words, [&] { (void)Model::open(model.path()); });
}

}  // namespace

TEST_CASE("a sharded model loads as the single file does") {
  for (const char* name : {"deepseek_v3", "qwen3_moe", "llama4"}) {
    for (const std::size_t shards : {1U, 2U, 7U}) {
      INFO(name << " in " << shards);
      const Sharded model(name, shards);
      for (const ReadMode mode : {ReadMode::map, ReadMode::buffer}) {
        check_same_block(Model::open(model.path(), mode).load_layer(1),
                         Model::open(golden_model(name)).load_layer(1));
      }
    }
  }
}

TEST_CASE("a single file is preferred to an index") {
  const ModelCopy model("olmoe");
  model.write(kIndex, "not even JSON");
  CHECK(Model::open(model.path()).load_layer(1).config().num_experts == 12);
}

TEST_CASE("a model without weights is refused") {
  const ModelCopy model("olmoe");
  std::filesystem::remove(model.path() / "model.safetensors");
  check_error(ErrorCode::io_failure, {"model.safetensors", kIndex},
              [&] { (void)Model::open(model.path()); });
}

TEST_CASE("malformed shard index: shard names that leave the folder") {
  const Sharded model("olmoe", 2);
  // The file that each name would reach exists.
  std::filesystem::create_directory(model.path() / "sub");
  std::filesystem::copy_file(model.path() / Sharded::shard(0), model.path() / "sub" / "a");
  const std::string absolute = (model.path() / Sharded::shard(0)).string();
  for (const std::string& name :
       {std::string("sub/a"), std::string("./") + Sharded::shard(0),
        "../" + model.path().filename().string() + "/" + Sharded::shard(0), absolute,
        std::string(".."), std::string("."), std::string(""), std::string("sub\\\\a"),
        std::string("a\\u0000b"), std::string("a\\nb"), std::string(256, 'a')}) {
    INFO(name);
    model.write_index("{\"weight_map\":{\"x\":\"" + name + "\"}}");
    check_refused(model, {kIndex, "not a plain file name"});
  }
}

TEST_CASE("malformed shard index: its JSON") {
  const Sharded model("olmoe", 2);
  const std::string good = R"("x":")" + Sharded::shard(0) + '"';
  const auto refused = [&](const std::string& text, const std::string& word) {
    INFO(text.substr(0, 100));
    model.write_index(text);
    check_refused(model, {kIndex, word});
  };
  refused("", "start with '{'");
  refused("[]", "start with '{'");
  refused("{", "not valid JSON");
  refused("{}", "weight_map is missing");
  refused(R"({"metadata":{"weight_map":{"x":"y"}}})", "weight_map is missing");
  refused(R"({"weight_map":1})", "weight_map is a number");
  refused(R"({"weight_map":[]})", "weight_map is a list");
  refused(R"({"weight_map":null})", "weight_map is null");
  refused(R"({"weight_map":"x"})", "weight_map is a string");
  refused(R"({"weight_map":{"x":1}})", "a number");
  refused(R"({"weight_map":{"x":null}})", "null");
  refused(R"({"weight_map":{"x":["a"]}})", "a list");
  refused(R"({"weight_map":{"x":{"y":"a"}}})", "an object");
  refused("{\"weight_map\":{" + good + "," + good + "}}", "duplicate key \"x\"");
  refused("{\"weight_map\":{" + good + ",\"\\u0078\":\"" + Sharded::shard(1) + "\"}}",
          "duplicate key \"x\"");
  refused(R"({"weight_map":{},"weight_map":{}})", "duplicate key \"weight_map\"");
  refused(R"({"metadata":{"a":1,"a":2},"weight_map":{}})", "duplicate key \"a\"");
  refused(R"({"metadata":{"a":{"b":{"c":{}}}},"weight_map":{}})", "deeper than 4");
  refused("{\"weight_map\":{\"" + std::string((64U << 10U) + 1, 'n') + "\":\"a\"}}",
          "longer than 65536");
  std::string many;
  for (int i = 0; i < 4097; ++i) {
    many += (i == 0 ? "\"" : ",\"") + std::to_string(i) + "\":\"f" + std::to_string(i) + '"';
  }
  refused("{\"weight_map\":{" + many + "}}", "more than 4096 shards");
  model.write_index("{\"weight_map\":{" + model.weight_map + "}}");
  CHECK(Model::open(model.path()).load_layer(1).config().top_k == 3);
}

TEST_CASE("malformed shard index: what it says of the shards") {
  const Sharded model("olmoe", 2);
  const std::string& map = model.weight_map;
  SECTION("a tensor that its shard does not have") {
    model.write_index("{\"weight_map\":{" + map + ",\"phantom\":\"" + Sharded::shard(0) + "\"}}");
    check_refused(model, {"\"phantom\"", "is not in shard", Sharded::shard(0)});
  }
  SECTION("a tensor that another shard has") {
    const std::string first = map.substr(0, map.find(':'));
    model.write_index("{\"weight_map\":{" + first + ":\"" + Sharded::shard(1) + "\"}}");
    check_refused(model, {"is not in shard", Sharded::shard(1)});
  }
  SECTION("a shard that is not there") {
    std::filesystem::remove(model.path() / Sharded::shard(1));
    check_refused(model, {Sharded::shard(1), "cannot be opened"}, ErrorCode::io_failure);
  }
  SECTION("a shard that is malformed") {
    model.write(Sharded::shard(1), "short");
    check_refused(model, {Sharded::shard(1), "5 bytes"});
  }
  SECTION("a shard that is a folder") {
    std::filesystem::remove(model.path() / Sharded::shard(1));
    std::filesystem::create_directory(model.path() / Sharded::shard(1));
    check_refused(model, {Sharded::shard(1), "not a regular file"}, ErrorCode::io_failure);
  }
  SECTION("a tensor that a shard has and the index does not list does not exist") {
    const std::size_t first_end = map.find(',');
    model.write_index("{\"weight_map\":{" + map.substr(first_end + 1) + "}}");
    check_error(ErrorCode::malformed_file, {"missing"},
                [&] { (void)Model::open(model.path()).load_layer(1); });
  }
}
