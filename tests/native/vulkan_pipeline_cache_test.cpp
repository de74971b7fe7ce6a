// SPDX-License-Identifier: Apache-2.0
// The file that compiled pipelines are kept in: what was written comes back, nothing else does.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <type_traits>
#include <vector>

#include "backends/vulkan/cache_file.hpp"
#include "support/backends.hpp"
#include "support/catch.hpp"
#include "switchyard/backends/vulkan.hpp"
#include "switchyard/error.hpp"

using namespace switchyard;
using namespace switchyard::test;
using namespace switchyard::vulkan;

namespace {

using Bytes = std::vector<std::byte>;

constexpr CacheOwner kOwner{7, 8, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}};

class Folder {
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "switchyard-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  [[nodiscard]] std::string file(const std::string& name) const { return (path_ / name).string(); }
  [[nodiscard]] std::ptrdiff_t num_files() const {
    return std::distance(std::filesystem::directory_iterator(path_),
                         std::filesystem::directory_iterator());
  }

 private:
  std::filesystem::path path_;
};

Bytes read_all(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  Bytes bytes(text.size());
  std::transform(text.begin(), text.end(), bytes.begin(),
                 [](char c) { return static_cast<std::byte>(c); });
  return bytes;
}

void write_all(const std::string& path, const Bytes& bytes) {
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(bytes.data()),
             static_cast<std::streamsize>(bytes.size()));
}

/// As a driver of kOwner's would make it.
Bytes small_cache() {
  Bytes cache(100, std::byte{0x5a});
  const std::uint32_t words[4] = {32, 1, kOwner.vendor_id, kOwner.device_id};
  std::memcpy(cache.data(), words, sizeof words);
  std::memcpy(cache.data() + sizeof words, kOwner.uuid.data(), kOwner.uuid.size());
  return cache;
}

}  // namespace

TEST_CASE("vulkan: a cache file gives back what was written, to its owner alone", "[vulkan]") {
  const Folder folder;
  const std::string path = folder.file("pipelines");
  CHECK(read_cache_file(path, kOwner).empty());  // none yet
  write_cache_file(path, small_cache());
  CHECK(folder.num_files() == 1);
  CHECK(read_cache_file(path, kOwner) == small_cache());
  for (CacheOwner other : {kOwner, kOwner, kOwner}) {
    static int which = 0;
    if (which == 0) ++other.vendor_id;
    if (which == 1) ++other.device_id;
    if (which == 2) ++other.uuid[15];
    ++which;
    CHECK(read_cache_file(path, other).empty());
  }
  Bytes longer = small_cache();
  longer.resize(5000);
  write_cache_file(path, longer);
  CHECK(folder.num_files() == 1);
  CHECK(read_cache_file(path, kOwner) == longer);
}

TEST_CASE("vulkan: a cache file that is cut short or changed anywhere gives nothing", "[vulkan]") {
  const Folder folder;
  const std::string path = folder.file("pipelines");
  write_cache_file(path, small_cache());
  const Bytes whole = read_all(path);
  for (std::size_t i = 0; i < whole.size(); ++i) {
    INFO("byte " << i);
    Bytes changed = whole;
    changed[i] ^= std::byte{0x10};
    write_all(path, changed);
    CHECK(read_cache_file(path, kOwner).empty());
    write_all(path, Bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(i)));
    CHECK(read_cache_file(path, kOwner).empty());
  }
  Bytes longer = whole;
  longer.push_back(std::byte{0});
  write_all(path, longer);
  CHECK(read_cache_file(path, kOwner).empty());
  CHECK(read_cache_file(folder.file("."), kOwner).empty());
}

TEST_CASE("vulkan: a cache file that cannot be written is an error and leaves nothing",
          "[vulkan]") {
  const Folder folder;
  const std::string taken = folder.file("taken");
  std::filesystem::create_directory(taken);
  std::ofstream(taken + "/inside") << "x";
  for (const std::string& path : {folder.file("missing/pipelines"), taken}) {
    try {
      write_cache_file(path, small_cache());
      FAIL("no Error was thrown");
    } catch (const Error& error) {
      CHECK(error.code() == ErrorCode::io_failure);
      CHECK(std::string(error.what()) == "pipeline_cache '" + path + "' cannot be written");
    }
  }
  CHECK(folder.num_files() == 1);
}

TEMPLATE_LIST_TEST_CASE("vulkan: a backend keeps its pipelines, whatever the file was before",
                        "[native][vulkan]", Backends) {
  if constexpr (std::is_same_v<TestType, VulkanBackend>) {
    const Folder folder;
    VulkanOptions options;
    options.pipeline_cache = folder.file("pipelines");
    { const VulkanBackend backend(options); }
    const Bytes kept = read_all(options.pipeline_cache);
    CHECK(kept.size() > 32);
    { const VulkanBackend backend(options); }
    CHECK(read_all(options.pipeline_cache) == kept);
    Bytes garbage(kept.size(), std::byte{0x77});
    write_all(options.pipeline_cache, garbage);
    {
      const VulkanBackend backend(options);
      CHECK(read_all(options.pipeline_cache).size() == kept.size());
      CHECK(read_all(options.pipeline_cache) != garbage);
    }
    CHECK(folder.num_files() == 1);
    options.pipeline_cache = folder.file("missing/pipelines");
    try {
      const VulkanBackend backend(options);
      FAIL("no Error was thrown");
    } catch (const Error& error) {
      CHECK(error.code() == ErrorCode::io_failure);
    }
  } else {
    SUCCEED("another backend");
  }
}
