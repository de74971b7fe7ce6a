// SPDX-License-Identifier: Apache-2.0
// Which files of a model directory are opened: symbolic links, and what else may stand there.
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "checkpoint/support/checkpoint_files.hpp"
#include "support/catch.hpp"
#include "switchyard/checkpoint/checkpoint.hpp"

using namespace switchyard;
using namespace switchyard::checkpoint;
using namespace switchyard::test;
namespace fs = std::filesystem;

namespace {

/// A model with one shard as a hub's cache lays it out: snapshots/REVISION/FILE ->
/// ../../blobs/HASH.
class HubCache : public Folder {
 public:
  explicit HubCache(const std::string& name) {
    fs::create_directories(snapshot());
    fs::create_directory(path() / "blobs");
    fs::copy_file(golden_model(name) / "config.json", path() / "blobs" / "c0");
    fs::copy_file(golden_model(name) / "model.safetensors", blob());
    std::string map;
    for (const OwnedTensor& tensor : read_tensors(blob())) {
      map += (map.empty() ? "\"" : ",\"") + tensor.name + "\":\"shard.safetensors\"";
    }
    std::ofstream(path() / "blobs" / "i0") << "{\"weight_map\":{" << map << "}}";
    fs::create_symlink("../../blobs/c0", snapshot() / "config.json");
    fs::create_symlink("../../blobs/i0", snapshot() / "model.safetensors.index.json");
    fs::create_symlink("../../blobs/5a", shard());
  }

  [[nodiscard]] fs::path snapshot() const { return path() / "snapshots" / "0123abcd"; }
  [[nodiscard]] fs::path blob() const { return path() / "blobs" / "5a"; }
  [[nodiscard]] fs::path shard() const { return snapshot() / "shard.safetensors"; }

  void link_shard_to(const fs::path& target) const {
    fs::remove(shard());
    fs::create_symlink(target, shard());
  }
};

}  // namespace

TEST_CASE("a hub's cache of links to blobs is a model directory") {
  const HubCache cache("olmoe");
  for (const ReadMode mode : {ReadMode::map, ReadMode::buffer}) {
    CHECK(Model::open(cache.snapshot(), mode).load_layer(1).config().num_experts == 12);
  }
}

TEST_CASE("paths and files whose names the caller or the library chose may be links") {
  const Folder folder;
  fs::create_directory_symlink(golden_model("olmoe"), folder.path() / "link");
  CHECK(Model::open(folder.path() / "link").num_layers() == 2);
  fs::create_symlink(golden_model("olmoe") / "model.safetensors",
                     folder.path() / "model.safetensors");
  fs::create_symlink(golden_model("olmoe") / "config.json", folder.path() / "config.json");
  CHECK_FALSE(SafetensorsFile::open(folder.path() / "model.safetensors").tensors().empty());
  CHECK(Model::open(folder.path()).load_layer(1).config().num_experts == 12);
}

TEST_CASE("a link in a shard's place that is not the cache's is refused") {
  const HubCache cache("olmoe");
  for (const fs::path& target :
       {cache.blob(), fs::path("../../blobs/../blobs/5a"),
        fs::path("../../snapshots/0123abcd/config.json"),
        fs::path("../../../") / cache.path().filename() / "blobs" / "5a", fs::path("config.json"),
        fs::path("../../blobs/.."), fs::path("../../blobs/")}) {
    INFO(target);
    cache.link_shard_to(target);
    check_error(ErrorCode::io_failure, {"shard.safetensors", "symbolic link", "../../blobs/"},
                [&] { (void)Model::open(cache.snapshot()); });
  }
  cache.link_shard_to("../../blobs/5a");
  CHECK(Model::open(cache.snapshot()).num_layers() == 2);
}

TEST_CASE("a shard's blob that is itself a link, or lies in a linked folder, is refused") {
  const HubCache cache("olmoe");
  fs::rename(cache.blob(), cache.path() / "elsewhere");
  SECTION("the blob") {
    fs::create_symlink(cache.path() / "elsewhere", cache.blob());
  }
  SECTION("the folder") {
    fs::rename(cache.path() / "elsewhere", cache.blob());
    fs::rename(cache.path() / "blobs", cache.path() / "real");
    fs::create_directory_symlink("real", cache.path() / "blobs");
  }
  SECTION("it dangles") {}
  check_error(ErrorCode::io_failure, {"shard.safetensors", "cannot be opened"},
              [&] { (void)Model::open(cache.snapshot()); });
}

TEST_CASE("a directory that is none, or has no configuration, is refused") {
  const Folder folder;
  check_error(ErrorCode::io_failure, {"absent", "not a model directory"},
              [&] { (void)Model::open(folder.path() / "absent"); });
  check_error(ErrorCode::io_failure, {"config.json", "not a model directory"},
              [&] { (void)Model::open(golden_model("olmoe") / "config.json"); });
  check_error(ErrorCode::io_failure, {"config.json", "cannot be opened"},
              [&] { (void)Model::open(folder.path()); });
}

TEST_CASE("a pipe in place of a file is refused, not waited for") {
  const ModelCopy model("olmoe");
  for (const char* name : {"config.json", "model.safetensors"}) {
    const ModelCopy copy("olmoe");
    fs::remove(copy.path() / name);
    REQUIRE(::mkfifo((copy.path() / name).c_str(), 0600) == 0);
    check_error(ErrorCode::io_failure, {name, "not a regular file"},
                [&] { (void)Model::open(copy.path()); });
  }
}

TEST_CASE("with read-into-buffer a file that shrinks later has no effect") {
  const ModelCopy copy("olmoe");
  const auto model = Model::open(copy.path(), ReadMode::buffer);
  fs::resize_file(copy.path() / "model.safetensors", 0);
  CHECK(model.load_layer(1).weights().gate_up.present());
}

TEST_CASE("a block outlives its model, a model its copies") {
  const auto expected = Model::open(golden_model("granitemoehybrid")).load_layer(1);
  auto model = std::make_unique<Model>(Model::open(golden_model("granitemoehybrid")));
  const Model copy = *model;
  const auto block = model->load_layer(1);
  model.reset();
  const auto bytes = block.weights().gate_up.bytes;  // a view into the file
  const auto wanted = expected.weights().gate_up.bytes;
  CHECK(std::equal(bytes.begin(), bytes.end(), wanted.begin(), wanted.end()));
  CHECK(copy.family() == "granitemoehybrid");
  CHECK(copy.load_layer(1).config() == block.config());
}
